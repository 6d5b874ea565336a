/**
 * A program for the tests on Node: a Connection over the MQTT client that `mc/config` names, which is not ours. It subscribes
 * to `echo/#` and publishes there; after a reconnect, which the test sees to, it publishes again. It prints what happens as
 * one JSON object a line, and ends when all that it has published is acknowledged and came back, and what the test has
 * published too.
 */
import config from "mc/config";
import TCP from "embedded:io/socket/tcp";
import { Connection } from "../../../modules/aws-iot/connection.js";
import { Identity } from "../../../modules/identity/identity.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import {
  standardClient,
  type StandardMQTTClass,
} from "../../../modules/mqtt/standard-client.js";
import { Backoff } from "../../../modules/system/backoff.js";
import { Clock } from "../../../modules/system/clock.js";
import { Failure } from "../../../modules/system/failure.js";

interface Script {
  /** Specifier of the client's module. */
  client: string;
  serverName: string;
  address: string;
  port: number;
  clientId: string;
  /** Bytes of the largest message. */
  large: number;
  /** How many different messages have to come. */
  expected: number;
  protocol?: "5" | "3.1.1";
}

const script = config as unknown as Script;
const print = (event: string, more: object = {}): void =>
  trace(`${JSON.stringify({ event, ...more })}\n`);

/** The endpoint's name is the server's alone. */
class Resolver {
  resolve(request: {
    host: string;
    onResolved: (host: string, address: string) => void;
  }): void {
    request.onResolved(request.host, script.address);
  }
  close(): void {}
}

const nothingKept = { read: () => undefined, write: () => undefined };
const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => index % 251);

async function main(): Promise<void> {
  const module = (await import(script.client)) as {
    default: StandardMQTTClass;
  };
  let online = 0;
  let published = 0;
  // What was not acknowledged before a cut comes a second time.
  const received = new Set<string>();

  const finish = (): void => {
    if (received.size < script.expected || published < 5) return;
    print("done");
    connection.close();
  };

  const publish = (topic: string, payload: Uint8Array, QoS: 0 | 1): void => {
    connection.publish(`echo/${topic}`, payload, { QoS }).then(
      () => {
        print("published", { text: topic });
        published++;
        finish();
      },
      (error: unknown) =>
        print("failure", { code: Failure.from(error, "mqtt.rejected").code }),
    );
  };

  const connection = new Connection({
    host: script.serverName,
    port: script.port,
    protocol: script.protocol ?? "3.1.1",
    clientId: script.clientId,
    identity: new Identity(),
    trust: TrustAnchors.for(script.serverName),
    clock: new Clock({ time: nothingKept, drift: nothingKept }),
    backoff: new Backoff({ random: () => 0 }),
    io: {
      TCP,
      dns: { io: Resolver, servers: [], socket: { io: undefined } },
      MQTT: standardClient(module.default),
    },
    onOnline: () => {
      print("online", { count: ++online });
      if (online === 1) {
        publish("first/0", pattern(10), 0);
        publish("first/1", pattern(20), 1);
        publish("first/large", pattern(script.large), 1);
      } else publish("again/1", pattern(30), 1);
    },
    onOffline: ({ code, detail }) => {
      print("offline", { code, detail });
      // Waits for the next connection.
      if (online > 0) publish("between/1", pattern(40), 1);
    },
  });

  connection.subscribe("echo/#", { QoS: 1 }, (topic, payload) => {
    const bytes = new Uint8Array(payload);
    const right = bytes.every((byte, index) => byte === index % 251);
    print("message", { text: topic, count: bytes.length, on: right });
    received.add(topic);
    finish();
  });
  connection.open();
}

void main();
