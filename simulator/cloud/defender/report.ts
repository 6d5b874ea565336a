import {
  isMap,
  type PayloadMap,
  type PayloadValue,
} from "../services/payload.js";

/** Why a report is rejected. The message says it in words; devices are told no more than `ErrorMessage`. */
export class ReportError extends Error {
  override readonly name = "ReportError";
  readonly code: "InvalidPayload" | "Throttled";

  constructor(message: string, code: ReportError["code"] = "InvalidPayload") {
    super(message);
    this.code = code;
  }
}

type Check = (value: PayloadValue, path: string, names: 0 | 1) => void;

/** Keys have a long and a short name: `[long, short]`. */
type Names = readonly [string, string];

const integer: Check = (value, path) => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
    throw new ReportError(`${path} must be a whole number from 0 on`);
};
const text: Check = (value, path) => {
  if (typeof value !== "string") throw new ReportError(`${path} must be text`);
};
const list =
  (item: Check): Check =>
  (value, path, names) => {
    if (!Array.isArray(value)) throw new ReportError(`${path} must be a list`);
    for (const [index, element] of (value as PayloadValue[]).entries())
      item(element, `${path}[${index}]`, names);
  };
const block =
  (...members: readonly (readonly [Names, Check])[]): Check =>
  (value, path, names) => {
    if (!isMap(value)) throw new ReportError(`${path} must be a map`);
    for (const [key, inner] of Object.entries(value)) {
      const member = members.find(([name]) => name[names] === key);
      if (!member)
        throw new ReportError(
          `${path}.${key} is no member of a report with ${names === 0 ? "long" : "short"} names`,
        );
      member[1](inner ?? null, `${path}.${key}`, names);
    }
  };

const total = [["total", "t"], integer] as const;
const port = block([["port", "pt"], integer], [["interface", "if"], text]);
const ports = block([["ports", "pts"], list(port)], total);

/** The metrics that AWS knows (Developer Guide, "Device-side metrics"), with the shape of each. */
const metrics = block(
  [
    ["tcp_connections", "tc"],
    block([
      ["established_connections", "ec"],
      block(
        [
          ["connections", "cs"],
          list(
            block(
              [["remote_addr", "rad"], text],
              [["local_port", "lp"], integer],
              [["local_interface", "li"], text],
            ),
          ),
        ],
        total,
      ),
    ]),
  ],
  [["listening_tcp_ports", "tp"], ports],
  [["listening_udp_ports", "up"], ports],
  [
    ["network_stats", "ns"],
    block(
      [["bytes_in", "bi"], integer],
      [["bytes_out", "bo"], integer],
      [["packets_in", "pi"], integer],
      [["packets_out", "po"], integer],
    ),
  ],
);

const members = {
  header: ["header", "hed"],
  id: ["report_id", "rid"],
  version: ["version", "v"],
  metrics: ["metrics", "met"],
  custom: ["custom_metrics", "cmet"],
} as const;
const customKinds = ["number", "number_list", "string_list", "ip_list"];

/**
 * Holds a Device Defender report to its format.
 * @returns its id
 * @throws ReportError which says what is wrong, and where
 */
export function checkReport(report: PayloadMap): number {
  const names = members.header[1] in report ? 1 : 0;
  for (const key of Object.keys(report))
    if (
      ![members.header, members.metrics, members.custom].some(
        (name) => name[names] === key,
      )
    )
      throw new ReportError(`${key} is no member of a report`);
  const id = checkHeader(report[members.header[names]], names);
  const standard = report[members.metrics[names]];
  const custom = report[members.custom[names]];
  if (standard === undefined && custom === undefined)
    throw new ReportError("The report has no metrics");
  if (standard !== undefined) metrics(standard, members.metrics[names], names);
  if (custom !== undefined) checkCustom(custom);
  return id;
}

function checkHeader(header: PayloadValue | undefined, names: 0 | 1): number {
  if (!isMap(header)) throw new ReportError("The report has no header");
  const id = header[members.id[names]];
  const version = header[members.version[names]];
  if (typeof id !== "number" || !Number.isSafeInteger(id))
    throw new ReportError(`${members.id[names]} must be a whole number`);
  if (typeof version !== "string" || !/^\d+\.\d+$/.test(version))
    throw new ReportError(`${members.version[names]} must be like "1.0"`);
  return id;
}

/** Custom metrics: each a list of one value in a map that names its kind. */
function checkCustom(custom: PayloadValue): void {
  if (!isMap(custom)) throw new ReportError("custom_metrics must be a map");
  for (const [name, values] of Object.entries(custom)) {
    if (!isList(values) || values.length === 0)
      throw new ReportError(`The custom metric ${name} must be a list`);
    for (const value of values) {
      const kind = isMap(value) ? Object.keys(value) : [];
      if (!isMap(value) || kind.length !== 1 || !customKinds.includes(kind[0]))
        throw new ReportError(
          `The custom metric ${name} must have one of ${customKinds.join(", ")}`,
        );
      const content = value[kind[0]];
      const items = kind[0] === "number" ? [content] : content;
      const type = kind[0].startsWith("number") ? "number" : "string";
      if (!isList(items) || items.some((item) => typeof item !== type))
        throw new ReportError(`The custom metric ${name} has a wrong value`);
    }
  }
}

function isList(value: unknown): value is readonly PayloadValue[] {
  return Array.isArray(value);
}
