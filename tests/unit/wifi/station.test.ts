import Timer from "timer";
import { Backoff } from "../../../modules/system/backoff.js";
import type { Failure } from "../../../modules/system/failure.js";
import { Station, type WiFiInterface } from "../../../modules/wifi/station.js";
import { deepEqual, equal } from "../assert.js";
import { test } from "../harness.js";

/** An interface that does what a test tells it. */
class ScriptedInterface implements WiFiInterface {
  static latest: ScriptedInterface;
  /** Networks that a scan finds. */
  static nearby: { SSID: string; RSSI: number }[] = [];
  /** Throws when it is told anything. */
  busy = false;
  /** Never says that a scan is complete. */
  deaf = false;

  connection = 200;
  address: string | undefined;
  RSSI: number | undefined = -60;
  joins = 0;
  closed = false;
  readonly #onChanged: (property: string) => void;

  constructor({ onChanged }: { onChanged: (property: string) => void }) {
    this.#onChanged = onChanged;
    ScriptedInterface.latest = this;
  }
  connect(): void {
    this.joins++;
    if (this.busy) throw new Error("already connecting");
  }
  disconnect(): void {
    this.connection = 200;
  }
  scan({
    onFound,
    onComplete,
  }: {
    onFound?: (found: { SSID: string; RSSI: number }) => void;
    onComplete?: () => void;
  }): void {
    if (this.busy) throw new Error("already scanning");
    for (const found of ScriptedInterface.nearby) onFound?.(found);
    if (!this.deaf) onComplete?.();
  }
  close(): void {
    this.closed = true;
  }
  becomes(connection: number, address?: string): void {
    this.connection = connection;
    this.address = address;
    this.#onChanged("connection");
  }
}

const stationThat = (nearby: { SSID: string; RSSI: number }[] = []) => {
  ScriptedInterface.nearby = nearby;
  const events: string[] = [];
  const station = new Station({
    io: ScriptedInterface,
    SSID: "field",
    password: "barn owl 7",
    onJoined: ({ address }) => events.push(`joined ${address}`),
    onFailed: (failure: Failure) => events.push(failure.code),
    backoff: new Backoff({ random: () => 0 }),
    scanLimit: 1,
  });
  return { station, events, wifi: ScriptedInterface.latest };
};

const turn = () =>
  new Promise<void>((resolve) => Timer.set(() => resolve(), 5));

test("tells of the address once it has one", () => {
  const { station, events, wifi } = stationThat();
  wifi.becomes(300);
  wifi.becomes(400);
  wifi.becomes(500, "192.168.4.2");
  deepEqual(events, ["joined 192.168.4.2"]);
  station.close();
});

test("a network that a scan does not find is not there", () => {
  const { station, events, wifi } = stationThat([
    { SSID: "neighbour", RSSI: -50 },
  ]);
  wifi.becomes(300);
  wifi.becomes(200);
  deepEqual(events, ["wifi.not-found"]);
  station.close();
});

test("a network that a scan finds but that refuses means a wrong password", () => {
  const { station, events, wifi } = stationThat([{ SSID: "field", RSSI: -71 }]);
  wifi.becomes(300);
  wifi.becomes(200);
  deepEqual(events, ["wifi.wrong-password"]);
  station.close();
});

test("associated but without an address means a silent DHCP server", () => {
  const { station, events, wifi } = stationThat();
  wifi.becomes(300);
  wifi.becomes(400);
  wifi.becomes(300);
  deepEqual(events, ["wifi.no-address"]);
  station.close();
});

test("joins again by itself after a loss", async () => {
  const { station, events, wifi } = stationThat();
  wifi.becomes(500, "192.168.4.2");
  wifi.becomes(200);
  equal(wifi.joins, 1);
  await turn();
  equal(wifi.joins, 2);
  wifi.becomes(500, "192.168.4.3");
  deepEqual(events, ["joined 192.168.4.2", "wifi.lost", "joined 192.168.4.3"]);
  station.close();
});

test("an interface that is busy is told again later", async () => {
  const { station, events, wifi } = stationThat();
  wifi.busy = true;
  wifi.becomes(300);
  wifi.becomes(200);
  deepEqual(events, ["wifi.failed"]);
  await turn();
  equal(events[1], "wifi.failed");
  wifi.busy = false;
  const before = wifi.joins;
  while (wifi.joins === before) await turn();
  wifi.becomes(500, "192.168.4.2");
  equal(events.at(-1), "joined 192.168.4.2");
  station.close();
});

test("a scan without an end does not keep the node from joining again", async () => {
  const { station, events, wifi } = stationThat([{ SSID: "field", RSSI: -71 }]);
  wifi.deaf = true;
  wifi.becomes(300);
  wifi.becomes(200);
  deepEqual(events, []);
  while (wifi.joins < 2) await turn();
  deepEqual(events, ["wifi.wrong-password"]);
  station.close();
});

test("a closed station leaves the network and stays away", async () => {
  const { station, wifi } = stationThat();
  wifi.becomes(500, "192.168.4.2");
  station.close();
  await turn();
  equal(wifi.closed, true);
  equal(wifi.joins, 1);
});
