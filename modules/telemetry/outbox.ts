import type { Failure } from "../system/failure.js";
import type { Retained } from "../system/retained.js";
import type { ChannelSettings } from "../system/telemetry-settings.js";
import { channelLimit } from "./block-header.js";
import { Channel } from "./channel.js";
import { Drain } from "./drain.js";
import { FlashLog } from "./flash-log.js";
import type { FlashPartition } from "./flash-partition.js";
import { LogRecord } from "./log-record.js";
import { MakeRoom } from "./make-room.js";
import type { Reading } from "./reading.js";
import type { Shipment } from "./shipment.js";
import { storeReading } from "./stored-reading.js";
import { UnsetTimes } from "./unset-times.js";

/** What an outbox needs. Times in milliseconds. */
export interface OutboxOptions {
  /** Opens the partition, which is the outbox's alone. */
  openFlash: () => FlashPartition;
  channels: readonly ChannelSettings[];
  /** Names of the sensors, by their numbers. */
  sensors: readonly string[];
  /** The topic's levels before the channel's name, with a slash at the end. */
  prefix: string;
  /** Publishes with QoS 1; resolves when the cloud has it, rejects with a Failure. */
  publish: (topic: string, payload: Uint8Array) => Promise<void>;
  /** Milliseconds since 1970, or undefined as long as nobody knows. */
  now: () => number | undefined;
  /** The system's clock went on from the life before. */
  wentOn?: boolean;
  /** Remembers over restarts what was measured before the time was known. */
  retained?: Retained;
  /** The cloud has the samples. */
  onSent: (shipment: Shipment) => void;
  /** The samples could not be sent. They stay, and are tried again. */
  onFailed: (shipment: Shipment, failure: Failure) => void;
  /** There is a connection, and everything that was stored is acknowledged. */
  onEmpty?: () => void;
  /** Between two messages of samples that were stored before there was a connection. */
  pace?: number;
}

/**
 * Keeps readings in flash until the cloud has them.
 *
 * What `store` has taken is in flash, and is sent whenever there is a connection, also after any number of restarts, until
 * the cloud has acknowledged it: once or more, in order of the sequence numbers for what is fresh and for what is old.
 * `pause` and `resume` follow the connection.
 */
export class Outbox {
  readonly #log: FlashLog;
  readonly #drain: Drain;
  readonly #room: MakeRoom;
  readonly #times: UnsetTimes;
  readonly #channels: (Channel | undefined)[] = [];
  readonly #record = new LogRecord();

  /** Throws a Failure `flash.unreadable`. */
  constructor(options: OutboxOptions) {
    const { openFlash, channels, sensors, prefix, now } = options;
    for (const settings of channels)
      this.#channels[settings.number] = new Channel(settings, prefix);
    const isExpired = (record: LogRecord): boolean => {
      const { maxAge = 0 } = this.#channels[record.channel]?.settings ?? {};
      if (maxAge === 0) return false;
      const time = now();
      const taken = this.#times.of(record);
      return time !== undefined && taken !== undefined && time - taken > maxAge;
    };
    this.#room = new MakeRoom(
      this.#channels.map((one) => one && { ...one.settings, isExpired }),
    );
    this.#log = new FlashLog(openFlash, (log) => this.#room.make(log));
    const numbers = [...Array(channelLimit).keys()];
    this.#times = new UnsetTimes(
      numbers.map((number) => this.#log.next(number)),
      options,
    );
    this.#drain = new Drain({
      ...options,
      records: this.#log,
      channels: this.#channels
        .filter((one) => one !== undefined)
        .sort((a, b) => b.settings.priority - a.settings.priority),
      sensorName: (sensor) => sensors[sensor] ?? `sensor-${sensor}`,
      isExpired,
      timeOf: (record) => this.#times.of(record),
    });
  }

  /**
   * Everything that was stored is acknowledged. What is not is in flash, always: `store` does not return before. So a node
   * may sleep or restart at any time; it is only worth waiting for this.
   */
  get isEmpty(): boolean {
    return this.#drain.isEmpty;
  }

  /** Messages that were sent and are not acknowledged. */
  get inFlight(): number {
    return this.#drain.inFlight;
  }

  /** How often each block of the flash was erased, on average. */
  get wear(): number {
    return this.#log.blocks.turns;
  }

  /**
   * Stores a reading, and sends it when there is a connection. Returns its sequence number in the channel.
   *
   * @throws Failure `flash.write-failed`: the reading was not stored, and no number is used up
   */
  store(number: number, reading: Reading): number {
    const channel = this.#channels[number];
    if (!channel) throw new RangeError(`there is no channel ${number}`);
    const record = this.#record;
    storeReading(reading, record);
    record.channel = number;
    this.#log.append(record);
    const { seq } = record;
    this.#tellOwed();
    this.#drain.stored(channel);
    return seq;
  }

  /** The time is known, and was so many ms ahead of what the clock said: what was stored before is sent with its right time. */
  clockSet(step: number): void {
    this.#times.set(step);
  }

  /** There is a connection. */
  resume(): void {
    this.#drain.resume();
  }

  /** There is no connection. */
  pause(): void {
    this.#drain.pause();
  }

  /** Nothing is stored or sent any more. */
  close(): void {
    this.#drain.close();
    this.#log.close();
  }

  /** Where a whole block had to go, what was in it is told as soon as there is room. */
  #tellOwed(): void {
    this.#room.owed.forEach((gap, number) => {
      if (!gap || gap.count === 0) return;
      gap.encode(this.#record, number);
      this.#log.append(this.#record);
      gap.clear();
    });
  }
}
