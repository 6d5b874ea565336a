import { Failure } from "./failure.js";

/** A Wi-Fi network. */
export interface NetworkSettings {
  SSID: string;
  /** Absent for an open network. */
  password?: string;
  /** The network does not tell its name. */
  hidden?: boolean;
}

/** What a node needs to know before it starts; `mc/config` holds it (the manifest's `config` section on the SDK). */
export interface Settings {
  /** The Wi-Fi networks that the node may join, the preferred one first. One alone may stand without the list. */
  wifi: NetworkSettings[];
  /** Name or IPv4 address of the data endpoint. */
  host: string;
  /** The only port to use; undefined when none is given, which leaves IoT Core's own. */
  port: number | undefined;
  /** The thing's name, which is the client id as well. 1 to 128 characters. */
  thing: string;
  /** Milliseconds between two samples. */
  interval: number;
  mqtt: "5" | "3.1.1";
  /** IPv4 addresses of name servers. */
  dns: string[];
  /** Names or IPv4 addresses of time servers. */
  ntp: string[];
  /** End after that many acknowledged publishes; 0 means never. */
  count: number;
  /** Does beside its work what AWS's Device Advisor wants to see. */
  qualification: boolean;
  /** Options of the sensor's bus: pins and address. */
  sensor: Record<string, unknown>;
}

/**
 * Reads and checks the settings. Throws a Failure `config.missing` or `config.invalid` that names every wrong field.
 *
 * @param config the value of the module `mc/config`
 */
export function readSettings(config: Record<string, unknown>): Settings {
  const wrong: string[] = [];

  const text = (name: string, value: unknown, otherwise?: string): string => {
    if (typeof value === "string" && value.length > 0) return value;
    if (value === undefined && otherwise !== undefined) return otherwise;
    wrong.push(`${name} must be a text`);
    return "";
  };
  const whole = (
    name: string,
    value: unknown,
    least: number,
    otherwise: number,
  ): number => {
    if (value === undefined) return otherwise;
    if (typeof value === "number" && Number.isInteger(value) && value >= least)
      return value;
    wrong.push(`${name} must be a whole number from ${least}`);
    return otherwise;
  };
  const flag = (name: string, value: unknown): boolean => {
    if (value !== undefined && typeof value !== "boolean")
      wrong.push(`${name} must be true or false`);
    return value === true;
  };
  const texts = (name: string, value: unknown): string[] => {
    if (
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((one) => typeof one === "string")
    )
      return value;
    wrong.push(`${name} must be a list of texts`);
    return [];
  };

  for (const name of ["wifi", "endpoint", "thing", "dns", "ntp"])
    if (config[name] === undefined) throw new Failure("config.missing", name);

  const network = (value: unknown, index: number): NetworkSettings => {
    const name = `wifi[${index}]`;
    const { SSID, password, hidden } = (value ?? {}) as Record<string, unknown>;
    if (hidden !== undefined && typeof hidden !== "boolean")
      wrong.push(`${name}.hidden must be true or false`);
    return {
      SSID: text(`${name}.SSID`, SSID),
      ...(password === undefined
        ? {}
        : { password: text(`${name}.password`, password) }),
      ...(hidden === true ? { hidden } : {}),
    };
  };

  const endpoint = text("endpoint", config.endpoint);
  const match = /^([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(endpoint);
  const host = match?.[1] ?? "";
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (host === "" || (port !== undefined && (port > 65535 || port < 1)))
    wrong.push(`endpoint must be HOST or HOST:PORT, not "${endpoint}"`);
  const mqtt = text("mqtt", config.mqtt, "5");
  if (mqtt !== "5" && mqtt !== "3.1.1")
    wrong.push(`mqtt must be "5" or "3.1.1"`);
  const thing = text("thing", config.thing);
  if (!/^[a-zA-Z0-9:_-]{1,128}$/.test(thing))
    wrong.push("thing must be 1 to 128 letters, digits, and : _ -");

  const settings: Settings = {
    wifi: [config.wifi].flat().map(network),
    host,
    port,
    thing,
    interval: whole("interval", config.interval, 10, 60_000),
    mqtt: mqtt === "3.1.1" ? "3.1.1" : "5",
    dns: texts("dns", config.dns),
    ntp: texts("ntp", config.ntp),
    count: whole("count", config.count, 0, 0),
    qualification: flag("qualification", config.qualification),
    sensor: (config.sensor ?? {}) as Record<string, unknown>,
  };
  if (wrong.length > 0) throw new Failure("config.invalid", wrong.join("; "));
  return settings;
}
