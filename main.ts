import TCP from "embedded:io/socket/tcp";
import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import NTP from "embedded:network/ntp/client";
import device from "embedded:provider/builtin";
import FlashStorage from "embedded:storage/flash";
import ChipPower from "embedded:x-fieldnode/power";
import StationInterface from "embedded:x-fieldnode/network/interface/wifi";
import config from "mc/config";

import { Connection } from "./modules/aws-iot/connection.js";
import { FlightReport } from "./modules/aws-iot/flight-report.js";
import { Qualification } from "./modules/aws-iot/qualification.js";
import { Identity } from "./modules/identity/identity.js";
import { TrustAnchors } from "./modules/identity/trust-anchors.js";
import { Clock } from "./modules/system/clock.js";
import type { Failure } from "./modules/system/failure.js";
import { report, start } from "./modules/system/failure-report.js";
import { FlightRecorder } from "./modules/system/flight-recorder.js";
import { Ladder } from "./modules/system/ladder.js";
import { PostMortem } from "./modules/system/post-mortem.js";
import { Retained } from "./modules/system/retained.js";
import { WakeCycle } from "./modules/sleep/wake-cycle.js";
import { StoredNumber } from "./modules/system/stored-number.js";
import { StoredText } from "./modules/system/stored-text.js";
import { readSettings } from "./modules/system/settings.js";
import { TimeService } from "./modules/system/time-service.js";
import { Traffic } from "./modules/system/traffic.js";
import { loadDriver } from "./modules/telemetry/load-driver.js";
import { Telemetry } from "./modules/telemetry/telemetry.js";
import { KnownLink } from "./modules/wifi/known-link.js";
import { Station } from "./modules/wifi/station.js";

/** The node: what it is made of, and who tells whom. What each part does stands in its room below `modules/`. */
start(() => {
  const settings = readSettings(config);
  const power = new ChipPower();
  const retained = new Retained(power);
  const postMortem = new PostMortem(power, retained);
  const traffic = new Traffic();
  const clock = new Clock({
    time: new StoredNumber("fieldnode", "time"),
    drift: new StoredNumber("fieldnode", "drift"),
    wasSet: retained.get("clock") === true,
  });
  clock.onStep = (step) => {
    retained.set("clock", true);
    telemetry.clockSet(step);
  };
  const topics = `dt/fieldnode/${settings.thing}/`;
  const dns = { io: Resolver, servers: settings.dns, socket: { io: UDP } };

  const time = new TimeService({
    clock,
    servers: settings.ntp,
    client: (servers) => new NTP({ servers, socket: { io: UDP }, dns }),
  });

  const recorder = new FlightRecorder("flight");
  const identity = new Identity();

  const connection = new Connection({
    host: settings.host,
    port: settings.port,
    protocol: settings.mqtt,
    clientId: settings.thing,
    identity,
    trust: TrustAnchors.for(settings.host),
    clock,
    io: { TCP: traffic.count(TCP), dns },
    portStore: new StoredNumber("fieldnode", "port"),
    recorder,
    vitals: { RSSI: () => station.RSSI, memory: () => power.heapLow },
    onOnline: () => {
      ladder.reached();
      telemetry.resume();
      qualification?.greet();
      void postMortem.tell((payload) => publish("start", payload));
      void wakeCycle?.tell((payload) => publish("wakes", payload));
    },
    onOffline: (failure) => {
      ladder.lost();
      telemetry.pause();
      tell(failure);
    },
  });

  new FlightReport({
    connection,
    recorder,
    request: `cmd/fieldnode/${settings.thing}/connections`,
    topic: `${topics}connections`,
  });

  const qualification = settings.qualification
    ? new Qualification({ connection, thing: settings.thing })
    : undefined;

  const telemetry = new Telemetry({
    openFlash: () => FlashStorage.open({ path: "outbox" }),
    channels: settings.channels,
    sensors: settings.sensors,
    io: device.io.I2C,
    load: loadDriver,
    clock,
    retained,
    publish: (topic, payload) => connection.publish(topic, payload, { QoS: 1 }),
    prefix: topics,
    count: settings.count,
    onFailed: tell,
    onDelivered: () => wakeCycle?.delivered(),
    onFinished: close,
  });

  const minutes = 60_000;
  const ladder = new Ladder({
    rungs: [
      { name: "join again", after: 5 * minutes, climb: () => station.rejoin() },
      { name: "search", after: 10 * minutes, climb: () => station.rescan() },
      {
        name: "restart the radio",
        after: 15 * minutes,
        climb: () => station.restartRadio(),
      },
    ],
    restart: () => power.restart(),
    restarts: new StoredNumber("fieldnode", "restarts"),
  });

  const station = new Station({
    io: StationInterface,
    networks: settings.wifi,
    known: new KnownLink(new StoredText("fieldnode", "link")),
    onJoined: () => {
      void time.ready().then(() => {
        identity.expiry(clock.now, tell);
        if (station.joined) connection.open();
      });
    },
    onFailed: (failure) => {
      connection.suspend();
      ladder.lost();
      tell(failure);
    },
  });

  const wakeCycle =
    settings.sleep &&
    new WakeCycle({
      ...settings.sleep,
      power,
      retained,
      traffic,
      interval: settings.interval,
      measure: () => telemetry.measureOnce(retained),
      connect: () => station.start(),
      isDelivered: () => telemetry.outbox.isEmpty,
      disconnect: close,
    });

  if (wakeCycle) void wakeCycle.run();
  else {
    station.start();
    void time.settled(20_000).then(() => telemetry.start());
  }

  function publish(name: string, payload: ArrayBuffer): Promise<void> {
    return connection.publish(`${topics}${name}`, payload, { QoS: 1 });
  }

  function tell(failure: Failure): void {
    postMortem.note(failure);
    report(failure, settings, close);
  }

  function close(): void {
    ladder.close();
    postMortem.close();
    telemetry.close();
    connection.close();
    time.close();
    station.close();
  }
});
