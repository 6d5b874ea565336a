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

test("a port beyond 65535 is refused", () => {
  equal(
    failureOf({ ...good(), endpoint: "localhost:70000" }).code,
    "config.invalid",
  );
});
