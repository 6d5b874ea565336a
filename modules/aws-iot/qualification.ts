import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import type { Connection } from "./connection.js";

/** What a qualification needs. */
export interface QualificationOptions {
  connection: Pick<Connection, "publish" | "subscribe">;
  /** The thing's name, which its topics carry. */
  thing: string;
}

/**
 * What AWS's Device Advisor wants to see of a device beside its work: that it subscribes with both QoS, and publishes with
 * QoS 0 whenever it is online. For qualification only; a node in the field is spared it by the setting `qualification`.
 *
 * Its TRIGGER_TOPIC is `cmd/fieldnode/<thing>/qualification/1`.
 */
export class Qualification {
  readonly #options: QualificationOptions;

  constructor(options: QualificationOptions) {
    this.#options = options;
    const { connection, thing } = options;
    for (const QoS of [1, 0] as const)
      connection.subscribe(
        `cmd/fieldnode/${thing}/qualification/${QoS}`,
        { QoS },
        (topic, payload) =>
          log("mqtt", `${payload.byteLength} bytes on ${topic}`),
      );
  }

  /** The node is online: a message with QoS 0. */
  greet(): void {
    const { connection, thing } = this.#options;
    connection
      .publish(
        `dt/fieldnode/${thing}/qualification`,
        ArrayBuffer.fromString("online"),
        { QoS: 0 },
      )
      .catch((error: unknown) =>
        log("mqtt", String(Failure.from(error, "mqtt.closed"))),
      );
  }
}
