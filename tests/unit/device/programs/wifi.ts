import TCP from "embedded:io/socket/tcp";
import UDP from "embedded:io/socket/udp";
import WiFi from "embedded:network/interface/wifi";
import Timer from "timer";
import { deepEqual, equal, ok, throws } from "../../assert.js";
import { test } from "../../harness.js";
import { connect, pattern, unusedPort } from "../loopback.js";

/*
 * Run by tests/system/device.test.ts with --wifi ssid=garden,password=gate,delay=100,outage=1500-2500: the access point's
 * outage is counted from the start of the process.
 */

const wifi = new WiFi({ onChanged: (property) => changed(property) });
let changed: (property: string) => void = () => {};

/** Resolves when `connection` is this value. */
const until = (connection: number) =>
  new Promise<void>((resolve) => {
    changed = () => {
      if (wifi.connection === connection) resolve();
    };
  });

const join = (password: string, SSID = "garden") => {
  const steps: string[] = [];
  wifi.connect({ SSID, password });
  return new Promise<string[]>((resolve) => {
    changed = (property) => {
      steps.push(
        property === "connection"
          ? String(wifi.connection)
          : String(wifi.address),
      );
      if (property === "address" || wifi.connection === 200) resolve(steps);
    };
  });
};

test("without a link nothing can be sent", () => {
  equal(wifi.connection, 200);
  equal(wifi.SSID, undefined);
  throws(
    () => new TCP({ address: "127.0.0.1", port: unusedPort() }),
    /no network/,
  );
  const udp = new UDP({});
  throws(() => udp.write(pattern(1), "127.0.0.1", 9), /no network/);
  udp.close();
});

test("a wrong password and a wrong name end where they began", async () => {
  deepEqual(await join("wrong"), ["200"]);
  deepEqual(await join("gate", "meadow"), ["200"]);
});

test("cannot join twice at a time", async () => {
  const joined = join("wrong");
  equal(wifi.connection, 300);
  throws(() => wifi.connect({ SSID: "garden" }), /already/);
  await joined;
});

test("associates, then has an address", async () => {
  deepEqual(await join("gate"), ["400", "500", "192.168.4.2"]);
  equal(wifi.SSID, "garden");
  ok(Math.abs(wifi.RSSI! + 55) <= 2);
});

test("an outage cuts every socket, and the peer hears nothing of it", async () => {
  const { near, far } = await connect();
  const udp = new UDP({ onError: () => (udpFailed = true) });
  let udpFailed = false;
  const failed = near.failed();
  const down = until(200);
  await down;
  equal(wifi.address, undefined);
  await failed;
  await new Promise((resolve) => Timer.set(resolve, 5));
  ok(udpFailed);
  equal(far.calls.error, 1);
  equal(near.socket.write(pattern(1)), 0);
  for (const socket of [near.socket, far.socket, udp]) socket.close();
});

test("cannot join during the outage, and can after it", async () => {
  deepEqual(await join("gate"), ["200"]);
  let steps: string[] = [];
  while (steps.length < 3) steps = await join("gate");
  deepEqual(steps, ["400", "500", "192.168.4.2"]);
});

test("disconnect leaves at once and tells nobody", async () => {
  let told = false;
  changed = () => (told = true);
  wifi.disconnect();
  equal(wifi.connection, 200);
  await new Promise((resolve) => Timer.set(resolve, 5));
  equal(told, false);
});

test("a scan finds the access point", async () => {
  const found: string[] = [];
  await new Promise<void>((resolve) => {
    wifi.scan({
      onFound: ({ SSID, security }) => found.push(SSID, security),
      onComplete: resolve,
    });
    throws(() => wifi.scan({ onFound: () => {} }), /already/);
  });
  deepEqual(found, ["garden", "wpa2_psk"]);
});
