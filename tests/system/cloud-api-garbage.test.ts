import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import * as iot from "@aws-sdk/client-iot";
import * as iotdata from "@aws-sdk/client-iot-data-plane";
import * as iotJobsData from "@aws-sdk/client-iot-jobs-data-plane";
import fc from "fast-check";
import { routes } from "../../simulator/cloud/api/routes.js";
import { apiClient } from "./aws-clients.js";
import { TestCloud } from "./cloud-fixture.js";

let cloud: TestCloud;
let client: iot.IoTClient;
before(async () => {
  cloud = await TestCloud.start();
  client = apiClient(iot.IoTClient, cloud);
});
after(async () => {
  client.destroy();
  await cloud.stop();
});

/** How many bodies each operation gets. */
const bodies = process.env.FIELDNODE_LONG ? 300 : 6;

/** A shape of the SDK's own models: a number for what is simple, else kind, name space, name, traits and what is inside. */
type Shape =
  | number
  | [number, string, string, unknown, ...unknown[]]
  | [Shape, unknown]
  | (() => Shape);

const simple = fc.constantFrom<unknown>(
  "a",
  "",
  "{}",
  "ACTIVE",
  "arn:aws:iot:local-1:000000000000:thing/a",
  "x".repeat(3_000),
  0,
  1,
  -1,
  1e300,
  true,
  false,
  null,
);
const odd = fc.constantFrom<unknown>(
  [],
  {},
  [null],
  [[]],
  [{}],
  { a: null },
  { a: { b: [] } },
  "\u0000",
);

/** Values of a shape, with one in a few that is of another. */
function valuesOf(shape: Shape, depth = 0): fc.Arbitrary<unknown> {
  if (typeof shape === "function") return valuesOf(shape(), depth);
  if (Array.isArray(shape) && shape.length === 2)
    return valuesOf(shape[0], depth);
  const right = depth > 4 ? simple : rightValues(shape, depth);
  return fc.oneof(
    { weight: 8, arbitrary: right },
    { weight: 1, arbitrary: simple },
    { weight: 1, arbitrary: odd },
  );
}

function rightValues(
  shape: number | unknown[],
  depth: number,
): fc.Arbitrary<unknown> {
  if (typeof shape === "number")
    return (shape & 64) !== 0
      ? fc.array(simple, { maxLength: 2 })
      : (shape & 128) !== 0
        ? fc.dictionary(fc.constantFrom("a", "b"), simple)
        : simple;
  const [kind, , , , names, inner] = shape;
  if (kind === 3)
    return fc.record(
      Object.fromEntries(
        (names as string[]).map((name, index) => [
          name,
          valuesOf((inner as Shape[])[index], depth + 1),
        ]),
      ),
      { requiredKeys: [] },
    );
  if (kind === 1)
    return fc.array(valuesOf(names as Shape, depth + 1), { maxLength: 2 });
  if (kind === 2)
    return fc.dictionary(
      fc.constantFrom("a", "b"),
      valuesOf(inner as Shape, depth + 1),
    );
  return simple;
}

const clients = {
  iot,
  iotdata,
  "iot-jobs-data": iotJobsData,
} as unknown as Record<
  string,
  Record<string, new (input: object) => { schema: unknown[] }>
>;

test("garbage in any member of any operation is refused, and never a failure of the cloud", async () => {
  const { apiPort } = cloud.cloud;
  const ask = async (
    [service, method, path]: [string, string, string],
    body: unknown,
  ) => {
    const response = await fetch(`http://127.0.0.1:${apiPort}${path}`, {
      method,
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=AKID/20260101/local-1/${service}/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`,
        "x-amzn-principal": "a",
        "x-amzn-iot-principal": "a",
      },
      ...(method !== "GET" && { body: JSON.stringify(body) }),
    });
    await response.text();
    return response.status;
  };
  const failures: string[] = [];
  for (const { service, name, method, path } of routes) {
    const { schema } = new clients[service][`${name}Command`]({});
    const inputs = fc.sample(rightValues(inputOf(schema), 0), {
      seed: 7,
      numRuns: method === "GET" ? 1 : bodies,
    });
    for (const [index, input] of inputs.entries()) {
      const label = index % 3 === 0 ? `g${index}` : "a";
      const at = path.replaceAll(/\{\w+\}/g, label);
      const status = await ask([service, method, at], input);
      if (status === 500)
        failures.push(`${name} ${at} ${JSON.stringify(input).slice(0, 400)}`);
    }
  }
  const reasons = cloud.events.flatMap((event) =>
    event.type === "api" && (event.reason ?? "").includes("the cloud failed")
      ? [event.reason?.split("\n").slice(0, 3).join(" ")]
      : [],
  );
  assert.deepEqual(failures, [], reasons.join("\n"));
  await client.send(new iot.ListThingsCommand({}));
});

/** The input of an operation's schema. */
function inputOf(schema: unknown[]): unknown[] {
  const [, , , , input] = schema as [number, string, string, unknown, Shape];
  const shape = typeof input === "function" ? input() : input;
  return shape as unknown[];
}

test("bytes that are no HTTP, and requests that never end, leave the API to others", async () => {
  const { apiPort } = cloud.cloud;
  const open = (bytes: Uint8Array | string) => {
    const socket = net.connect(apiPort, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.write(bytes);
    return socket;
  };
  const garbage = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 300 }), {
    seed: 3,
    numRuns: 30,
  });
  const sockets = garbage.map(open);
  for (let count = 0; count < 100; count++) {
    sockets.push(
      open("POST /things/a HTTP/1.1\r\ncontent-length: 100\r\n\r\n{"),
    );
    sockets.push(open("GET /things HTTP/1.1\r\nx-slow:"));
  }
  await client.send(new iot.ListThingsCommand({}));
  await client.send(new iot.CreateThingCommand({ thingName: "still-here" }));
  for (const socket of sockets) socket.destroy();
});
