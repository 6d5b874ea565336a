import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestCloud } from "./cloud-fixture.js";
import { ServiceClient } from "./service-client.js";

let cloud: TestCloud;
let client: ServiceClient;
let things = 0;

before(async () => {
  cloud = await TestCloud.start({
    choices: { connectRate: 0, publishRate: 0 },
  });
  client = await ServiceClient.connect(
    cloud,
    await cloud.freeDevice("defender-device"),
    [
      "$aws/things/+/defender/metrics/+/accepted",
      "$aws/things/+/defender/metrics/+/rejected",
    ],
  );
});
after(() => cloud.stop());

/** Sends a report of a thing that nobody has sent one of. */
const report = (body: unknown, format = "json", thing = `t${++things}`) =>
  client.request(`$aws/things/${thing}/defender/metrics/${format}`, body);

const long = {
  header: { report_id: 42, version: "1.0" },
  metrics: {
    listening_tcp_ports: {
      ports: [{ interface: "eth0", port: 24800 }],
      total: 1,
    },
    listening_udp_ports: { ports: [], total: 0 },
    network_stats: { bytes_in: 1, bytes_out: 2, packets_in: 3, packets_out: 4 },
    tcp_connections: {
      established_connections: {
        connections: [
          {
            local_interface: "eth0",
            local_port: 80,
            remote_addr: "192.0.2.1:8000",
          },
        ],
        total: 1,
      },
    },
  },
  custom_metrics: {
    battery: [{ number: 3.1 }],
    levels: [{ number_list: [1, 2] }],
    names: [{ string_list: ["a"] }],
    peers: [{ ip_list: ["192.0.2.2"] }],
  },
};
const short = {
  hed: { rid: 43, v: "1.0" },
  met: {
    tp: { pts: [{ if: "eth0", pt: 1 }], t: 1 },
    up: { t: 0 },
    ns: { bi: 1, bo: 2, pi: 3, po: 4 },
    tc: { ec: { cs: [{ rad: "192.0.2.1:1", lp: 2, li: "eth0" }], t: 1 } },
  },
  cmet: { battery: [{ number: 3 }] },
};

describe("Device Defender's metrics (section 8)", () => {
  for (const [name, body, id] of [
    ["long", long, 42],
    ["short", short, 43],
  ] as const)
    for (const format of ["json", "cbor"])
      test(`a report with ${name} names is accepted in ${format}, with its id and milliseconds`, async () => {
        const { topic, body: answer } = await report(
          body,
          format,
          `${name}-${format}`,
        );
        assert.equal(
          topic,
          `$aws/things/${name}-${format}/defender/metrics/${format}/accepted`,
        );
        const { timestamp, ...rest } = answer;
        assert.deepEqual(rest, {
          thingName: `${name}-${format}`,
          reportId: id,
          status: "ACCEPTED",
        });
        assert.ok(Math.abs(Number(timestamp) - Date.now()) < 600_000);
      });

  const header = long.header;
  const custom = (value: unknown) => ({ header, custom_metrics: { m: value } });
  for (const [name, body] of [
    ["no JSON", "{"],
    ["no header", { metrics: {} }],
    ["no metrics", { header }],
    [
      "a report id that is text",
      { header: { report_id: "1", version: "1.0" }, metrics: {} },
    ],
    ["long and short names mixed", { header, met: {} }],
    [
      "long and short names mixed inside",
      { ...long, metrics: { ns: { bytes_in: 1 } } },
    ],
    [
      "a port that is text",
      { header, metrics: { listening_tcp_ports: { ports: [{ port: "1" }] } } },
    ],
    ["an unknown metric", { header, metrics: { moon_phase: 1 } }],
    ["a custom metric that is no list", custom({ number: 1 })],
    ["a custom metric of an unknown kind", custom([{ boolean: true }])],
    ["a custom number that is text", custom([{ number: "1" }])],
  ] as [string, unknown][])
    test(`rejected as malformed: ${name}`, async () => {
      const { topic, body: answer } = await report(body);
      assert.match(topic, /rejected$/);
      assert.equal(answer.status, "REJECTED");
      assert.deepEqual(answer.statusDetails, {
        ErrorCode: "InvalidPayload",
        ErrorMessage: "Malformed metrics report",
      });
    });

  test("the log says what is wrong with a report, which the device is not told", async () => {
    await report({ header, metrics: { network_stats: { bytes_in: -1 } } });
    await cloud.event("service", ({ outcome }) =>
      /network_stats\.bytes_in must be/.test(outcome),
    );
  });

  test("a thing that reports again within 300 s is throttled, others are not", async () => {
    await report(long, "json", "eager");
    const { body: answer } = await report(long, "json", "eager");
    assert.equal(answer.statusDetails.ErrorCode, "Throttled");
    assert.match((await report(long)).topic, /accepted$/);
  });
});
