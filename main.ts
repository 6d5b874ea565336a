import TCP from "embedded:io/socket/tcp";
import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import NTP from "embedded:network/ntp/client";
import device from "embedded:provider/builtin";
import SHT3x from "embedded:sensor/Humidity-Temperature/SHT3x";
import StationInterface from "embedded:x-fieldnode/network/interface/wifi";
import config from "mc/config";

import { Connection } from "./modules/aws-iot/connection.js";
import { Qualification } from "./modules/aws-iot/qualification.js";
import { Identity } from "./modules/identity/identity.js";
import { TrustAnchors } from "./modules/identity/trust-anchors.js";
import { Clock } from "./modules/system/clock.js";
import { report, start } from "./modules/system/failure-report.js";
import { StoredNumber } from "./modules/system/stored-number.js";
import { StoredText } from "./modules/system/stored-text.js";
import { readSettings } from "./modules/system/settings.js";
import { TimeService } from "./modules/system/time-service.js";
import { Telemetry } from "./modules/telemetry/telemetry.js";
import { KnownLink } from "./modules/wifi/known-link.js";
import { Station } from "./modules/wifi/station.js";

/** The node: what it is made of, and who tells whom. What each part does stands in its room below `modules/`. */
start(() => {
  const settings = readSettings(config);
  const clock = new Clock({
    time: new StoredNumber("fieldnode", "time"),
    drift: new StoredNumber("fieldnode", "drift"),
  });
  const dns = { io: Resolver, servers: settings.dns, socket: { io: UDP } };

  const time = new TimeService({
    clock,
    servers: settings.ntp,
    client: (servers) => new NTP({ servers, socket: { io: UDP }, dns }),
  });

  const connection = new Connection({
    host: settings.host,
    port: settings.port,
    protocol: settings.mqtt,
    clientId: settings.thing,
    identity: new Identity(),
    trust: TrustAnchors.for(settings.host),
    clock,
    io: { TCP, dns },
    onOnline: () => {
      telemetry.resume();
      qualification?.greet();
    },
    onOffline: (failure) => {
      telemetry.pause();
      report(failure, settings, close);
    },
  });

  const qualification = settings.qualification
    ? new Qualification({ connection, thing: settings.thing })
    : undefined;

  const telemetry = new Telemetry({
    sensor: new SHT3x({ sensor: { io: device.io.I2C, ...settings.sensor } }),
    now: () => clock.now,
    publish: (topic, payload) => connection.publish(topic, payload, { QoS: 1 }),
    topic: `dt/fieldnode/${settings.thing}/telemetry`,
    interval: settings.interval,
    sequence: new StoredNumber("fieldnode", "seq"),
    count: settings.count,
    onFailed: (failure) => report(failure, settings, close),
    onFinished: close,
  });

  const station = new Station({
    io: StationInterface,
    networks: settings.wifi,
    known: new KnownLink(new StoredText("fieldnode", "link")),
    onJoined: () => {
      void time.synchronise().then(() => {
        telemetry.start();
        if (station.joined) connection.open();
      });
    },
    onFailed: (failure) => {
      connection.suspend();
      report(failure, settings, close);
    },
  });

  function close(): void {
    telemetry.close();
    connection.close();
    time.close();
    station.close();
  }
});
