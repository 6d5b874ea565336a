import type { Failure } from "../../../modules/system/failure.js";
import { readSettings } from "../../../modules/system/settings.js";
import { deepEqual, equal, ok } from "../assert.js";
import { test } from "../harness.js";

const good = () => ({
  wifi: { SSID: "field", password: "barn owl 7" },
  endpoint: "example-ats.iot.eu-west-1.amazonaws.com",
  thing: "fence-post-1",
  dns: ["192.168.4.1"],
  ntp: ["pool.ntp.org"],
});

const failureOf = (config: Record<string, unknown>): Failure => {
  try {
    readSettings(config);
  } catch (error) {
    return error as Failure;
  }
  throw new Error("no failure");
};

test("an endpoint without a port leaves the choice to the connection", () => {
  const settings = readSettings(good());
  equal(settings.host, "example-ats.iot.eu-west-1.amazonaws.com");
  equal(settings.port, undefined);
  equal(settings.mqtt, "5");
});

test("an endpoint may name its port", () => {
  equal(readSettings({ ...good(), endpoint: "localhost:443" }).port, 443);
});

test("a missing setting is named", () => {
  const { thing: _, ...rest } = good();
  const failure = failureOf(rest);
  equal(failure.code, "config.missing");
  equal(failure.detail, "thing");
});

test("every wrong setting is named at once", () => {
  const failure = failureOf({
    ...good(),
    endpoint: "a b",
    thing: "x/y",
    mqtt: "4",
    interval: -1,
  });
  equal(failure.code, "config.invalid");
  for (const name of ["endpoint", "thing", "mqtt", "interval"])
    ok(failure.detail.includes(name), name);
});

test("an interval that no timer can count is refused", () => {
  const { detail } = failureOf({
    ...good(),
    interval: 0x8000_0000,
    sleep: { limit: 3e9 },
    sensors: [{ driver: "some/driver", interval: 1e12 }],
  });
  for (const name of ["interval", "sleep.limit", "sensors[0].interval"])
    ok(detail.includes(`${name} must be a whole number`), name);
});

test("Wi-Fi is one network or a list of them", () => {
  const barn = { SSID: "barn", hidden: true };
  deepEqual(readSettings(good()).wifi, [good().wifi]);
  deepEqual(readSettings({ ...good(), wifi: [good().wifi, barn] }).wifi, [
    good().wifi,
    barn,
  ]);
  const { detail } = failureOf({ ...good(), wifi: [barn, { SSID: "" }] });
  equal(detail, "wifi[1].SSID must be a text");
});

test("several missing settings are named at once, and beside wrong ones", () => {
  equal(
    failureOf({ wifi: good().wifi, dns: ["1.1.1.1"] }).detail,
    "endpoint, thing, ntp",
  );
  const { thing: _, ...rest } = good();
  equal(
    failureOf({ ...rest, interval: 1.5 }).detail,
    "interval must be a whole number from 10 to 2147483647; missing: thing",
  );
});

test("a node without settings of its own has an SHT3x, a channel for all and one for alarms", () => {
  const { sensors, channels } = readSettings({ ...good(), interval: 5000 });
  deepEqual(
    channels.map(({ number, name, policy, priority }) =>
      [number, name, policy, priority].join(" "),
    ),
    ["0 telemetry all 0", "1 alarm all 9"],
  );
  deepEqual(
    sensors.map(({ driver, name, channel, interval }) =>
      [driver, name, channel, interval].join(" "),
    ),
    ["embedded:sensor/Humidity-Temperature/SHT3x sht3x 0 5000"],
  );
});

test("each wrong field of channels and sensors is named with its place", () => {
  const { detail } = failureOf({
    ...good(),
    channels: [
      { number: 0, name: "a/b", policy: "some", batch: 33 },
      { number: 0, name: "b", prio: 3, rule: "x-y", format: "xml" },
      "c",
    ],
    sensors: [
      { name: "x".repeat(33), channel: 3, alarms: [{ to: 0 }] },
      { driver: "d", interval: 1, stuckAfter: -1, alarms: {}, options: [] },
    ],
  });
  for (const words of [
    "channels[0].name is one level",
    'channels[0].policy must be "all" or "thin" or "latest"',
    "channels[0].batch must be a whole number from 1 to 32",
    "channels[1].number 0 is another's",
    "channels[1].prio is no setting",
    "channels[1].rule must be",
    'channels[1].format must be "json" or "cbor"',
    "channels[2] must be an object",
    "sensors[0].name must be up to 32",
    "sensors[0].channel: there is no channel 3",
    "sensors[1].interval must be",
    "sensors[1].stuckAfter must be",
    "sensors[1].alarms must be a list",
    "sensors[1].options must be an object",
    "sensors[0].driver",
    "sensors[0].alarms[0].quantity",
  ])
    ok(detail.includes(words), `${words} in ${detail}`);
});

test("each wrong field of Wi-Fi, name servers and sleep is named", () => {
  const { detail } = failureOf({
    ...good(),
    wifi: [
      { SSID: "x".repeat(33), pasword: "barn owl 7" },
      { SSID: "barn", password: "short" },
    ],
    dns: ["dns.lan"],
    sleep: { connectEvery: 0, limit: 10, pin: { level: 2, pull: 1 }, every: 3 },
    sensors: [{ driver: "d", alarms: [{ quantity: "CO2", over: 3 }] }],
  });
  for (const words of [
    "wifi[0].SSID must have 1 to 32 bytes",
    "wifi[0].pasword is no setting",
    "wifi[1].password must have 8 to 64 bytes",
    'dns must be IPv4 addresses, not "dns.lan"',
    "sleep.connectEvery must be",
    "sleep.limit must be",
    "sleep.every is no setting",
    "sleep.pin.number is missing",
    "sleep.pin.level must be a whole number from 0 to 1",
    "sleep.pin.pull is no setting",
    "sensors[0].alarms[0].over is no setting",
    "sensors[0].alarms[0] must say above or below",
  ])
    ok(detail.includes(words), `${words} in ${detail}`);
});

test("a port beyond 65535 is refused", () => {
  equal(
    failureOf({ ...good(), endpoint: "localhost:70000" }).code,
    "config.invalid",
  );
});
