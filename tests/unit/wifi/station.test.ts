import Timer from "timer";
import { Backoff } from "../../../modules/system/backoff.js";
import type { Failure } from "../../../modules/system/failure.js";
import type { Network } from "../../../modules/wifi/candidates.js";
import { KnownLink } from "../../../modules/wifi/known-link.js";
import { Station } from "../../../modules/wifi/station.js";
import type { AccessPoint } from "../../../modules/wifi/wifi-interface.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";
import { ScriptedInterface } from "./scripted-interface.js";

const field = { SSID: "field", BSSID: "02:00:5e:00:53:01" };
const barn = { SSID: "barn", BSSID: "02:00:5e:00:53:02" };
const near = { ...field, RSSI: -55, channel: 6 };

interface Scene {
  nearby?: AccessPoint[];
  networks?: Network[];
  /** What the node kept of its last link. */
  kept?: string;
}

const stationThat = ({
  nearby = [near],
  networks = [{ SSID: "field", password: "barn owl 7" }],
  kept,
}: Scene = {}) => {
  ScriptedInterface.nearby = nearby;
  const events: string[] = [];
  const store = {
    text: kept,
    read: () => store.text,
    write: (text: string) => {
      store.text = text;
    },
  };
  const station = new Station({
    io: ScriptedInterface,
    networks,
    known: new KnownLink(store),
    onJoined: ({ address }) => events.push(`joined ${address}`),
    onFailed: (failure: Failure) => events.push(failure.code),
    backoff: new Backoff({ random: () => 0 }),
    scanLimit: 1,
  });
  station.start();
  return { station, events, store, wifi: ScriptedInterface.latest };
};

const turn = () =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), 5));

test("tells of the address once it has one", () => {
  const { station, events, wifi } = stationThat();
  wifi.becomes(300);
  wifi.becomes(400);
  deepEqual(events, []);
  wifi.becomes(500, "192.168.4.2");
  deepEqual(events, ["joined 192.168.4.2"]);
  station.close();
});

test("joins the strongest access point of its network", () => {
  const far = { ...field, BSSID: "02:00:5e:00:53:09", RSSI: -70, channel: 1 };
  const { station, wifi } = stationThat({ nearby: [far, near, far] });
  deepEqual(wifi.joins, ["field 02:00:5e:00:53:01"]);
  station.close();
});

test("joins the network that stands first, and the next one when that refuses", () => {
  const { station, events, wifi } = stationThat({
    nearby: [near, { ...barn, RSSI: -40, channel: 1 }],
    networks: [{ SSID: "field", password: "wrong" }, { SSID: "barn" }],
  });
  wifi.drops(15);
  deepEqual(events, ["wifi.wrong-password"]);
  deepEqual(wifi.joins, ["field 02:00:5e:00:53:01", "barn 02:00:5e:00:53:02"]);
  wifi.becomes(500, "192.168.4.2");
  equal(events.at(-1), "joined 192.168.4.2");
  station.close();
});

test("prefers a network heard well to a better liked one that is hardly heard", () => {
  const { station, wifi } = stationThat({
    nearby: [
      { ...near, RSSI: -91 },
      { ...barn, RSSI: -60, channel: 1 },
    ],
    networks: [{ SSID: "field" }, { SSID: "barn" }],
  });
  deepEqual(wifi.joins, ["barn 02:00:5e:00:53:02"]);
  station.close();
});

test("a network that a scan does not find is not there", () => {
  const { station, events, wifi } = stationThat({ nearby: [] });
  deepEqual(events, ["wifi.not-found"]);
  deepEqual(wifi.joins, []);
  station.close();
});

test("tries a network that hides its name by that name", () => {
  const { station, wifi } = stationThat({
    nearby: [],
    networks: [{ SSID: "cellar", hidden: true }],
  });
  deepEqual(wifi.joins, ["cellar"]);
  station.close();
});

for (const [reason, code, RSSI] of [
  [15, "wifi.wrong-password", -60],
  [202, "wifi.wrong-password", -60],
  [15, "wifi.too-weak", -88],
  [5, "wifi.full", -60],
  [203, "wifi.refused", -60],
  [210, "wifi.security", -60],
  [212, "wifi.too-weak", -60],
  [201, "wifi.not-found", -60],
  [77, "wifi.failed", -60],
] as const)
  test(`reason ${reason} at ${RSSI} dBm is told as ${code}`, () => {
    const { station, events, wifi } = stationThat({
      nearby: [{ ...near, RSSI }],
    });
    wifi.drops(reason);
    deepEqual(events, [code]);
    station.close();
  });

for (const [reason, code] of [
  [200, "wifi.lost"],
  [3, "wifi.kicked"],
  [16, "wifi.lost"],
] as const)
  test(`a link that ends for reason ${reason} is told as ${code}, and joined again`, async () => {
    const { station, events, wifi } = stationThat();
    wifi.becomes(500, "192.168.4.2");
    wifi.drops(reason);
    await turn();
    wifi.becomes(500, "192.168.4.3");
    deepEqual(events, ["joined 192.168.4.2", code, "joined 192.168.4.3"]);
    station.close();
  });

test("tries the access point of the last time without a search", () => {
  const { station, events, store, wifi } = stationThat({
    kept: "11 02:00:5e:00:53:07 field",
  });
  equal(wifi.scans, 0);
  deepEqual(wifi.joins, ["field 02:00:5e:00:53:07"]);
  equal(wifi.channel, 11);
  wifi.becomes(500, "192.168.4.2");
  deepEqual(events, ["joined 192.168.4.2"]);
  equal(store.text, "11 02:00:5e:00:53:07 field");
  station.close();
});

test("searches when that one is gone, says nothing of it, and remembers the new one", () => {
  const { station, events, store, wifi } = stationThat({
    kept: "11 02:00:5e:00:53:07 field",
  });
  wifi.drops(201);
  equal(wifi.scans, 1);
  wifi.becomes(500, "192.168.4.2");
  deepEqual(events, ["joined 192.168.4.2"]);
  equal(store.text, "6 02:00:5e:00:53:01 field");
  station.close();
});

test("forgets an access point of a network that it may not join any more", () => {
  const { station, wifi } = stationThat({ kept: "1 02:00:5e:00:53:07 old" });
  equal(wifi.scans, 1);
  station.close();
});

test("an interface that is busy is told again later", async () => {
  const { station, events, wifi } = stationThat({ nearby: [] });
  wifi.busy = true;
  while (events.length < 2) await turn();
  deepEqual(events.slice(0, 2), ["wifi.not-found", "wifi.failed"]);
  ScriptedInterface.nearby = [near];
  wifi.busy = false;
  while (wifi.joins.length === 0) await turn();
  wifi.becomes(500, "192.168.4.2");
  equal(events.at(-1), "joined 192.168.4.2");
  station.close();
});

test("a scan without an end does not keep the node from joining", async () => {
  const { station, wifi } = stationThat({ nearby: [] });
  wifi.deaf = true;
  ScriptedInterface.nearby = [near];
  while (wifi.joins.length === 0) await turn();
  station.close();
});

test("rejoins where it was, rescans when told to, and restarts the radio", () => {
  const { station, wifi } = stationThat();
  wifi.becomes(500, "192.168.4.2");
  station.rejoin();
  deepEqual([wifi.joins.length, wifi.scans], [2, 1]);
  wifi.becomes(500, "192.168.4.2");
  station.rescan();
  deepEqual([wifi.joins.length, wifi.scans], [3, 2]);
  station.restartRadio();
  deepEqual([wifi.joins.length, wifi.scans, wifi.restarts], [4, 3, 1]);
  station.close();
});

test("saves power unless told otherwise", () => {
  const { station, wifi } = stationThat();
  equal(wifi.powerSave, "minimum");
  station.close();
});

test("a closed station leaves the network and stays away", async () => {
  const { station, wifi } = stationThat();
  wifi.becomes(500, "192.168.4.2");
  station.close();
  station.rejoin();
  await turn();
  equal(wifi.closed, true);
  equal(wifi.joins.length, 1);
});
