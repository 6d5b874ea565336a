import Time from "time";
import Timer from "timer";
import { Failure } from "../system/failure.js";
import { log } from "../system/log.js";
import type { Channel } from "./channel.js";
import type { FlashLog } from "./flash-log.js";
import { Gap, LogRecord } from "./log-record.js";
import { Reading } from "./reading.js";
import { batchLimit, Shipment } from "./shipment.js";
import { loadReading } from "./stored-reading.js";

/** What a drain needs. Times in milliseconds. */
export interface DrainOptions {
  records: FlashLog;
  /** In the order of their priority, the highest first. */
  channels: readonly Channel[];
  /** Name of a sensor by its number. */
  sensorName: (sensor: number) => string;
  /** Publishes with QoS 1; resolves when the cloud has it. */
  publish: (topic: string, payload: Uint8Array) => Promise<void>;
  isExpired: (record: LogRecord) => boolean;
  /** When a reading was taken; undefined when nobody knows. */
  timeOf: (record: LogRecord) => number | undefined;
  onSent: (shipment: Shipment) => void;
  onFailed: (shipment: Shipment, failure: Failure) => void;
  /** There is a connection and nothing, or nothing more, to send. */
  onEmpty?: () => void;
  /** Between two messages of old samples. */
  pace?: number;
}

/**
 * Of IoT Core's 100 publishes a second for a connection (AWS General Reference, IoT Core quotas) the replay takes a tenth:
 * a fleet that comes back together must not use up the account's share, and fresh samples come through.
 */
const replayPace = 100;

/** Messages on their way at once: fresh ones, and old ones. */
const freshLimit = 2;
const oldLimit = 1;

/** How long a channel is held after a failure, in ms: twice as long each time, within these. */
const shortestHold = 1000;
const longestHold = 600_000;

/**
 * Sends what the log holds, and releases what the cloud has acknowledged.
 *
 * What is stored while there is a connection goes at once. What was stored before goes beside it, at a pace, by the
 * channels' priority; the newest first where the channel says so, else the oldest. It knows channels and messages, and
 * how to walk through the log, but not what flash is like.
 */
export class Drain {
  readonly #options: DrainOptions;
  readonly #record = new LogRecord();
  readonly #reading = new Reading();
  readonly #gap = new Gap();
  readonly #expired = new Gap();
  readonly #shipments: Shipment[] = [];
  #paused = true;
  #closed = false;
  #nextOld: Timer | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /** Messages on their way. */
  get inFlight(): number {
    return this.#shipments.filter(({ channel }) => channel).length;
  }

  /** Nothing is on its way, and nothing is known to be left to send. */
  get isEmpty(): boolean {
    return (
      this.inFlight === 0 &&
      this.#options.channels.every((one) => !one.hasFresh && !one.hasOld)
    );
  }

  /** There is a connection. Everything that is in the log by now is old. */
  resume(): void {
    const { records, channels } = this.#options;
    const { blocks, end } = records;
    this.#paused = false;
    for (const channel of channels) {
      channel.hasFresh = false;
      channel.heldSince = undefined;
      channel.cursor(true).move(blocks, blocks.head, end);
      channel.rewind();
    }
    this.#next();
  }

  /** There is no connection. Messages on their way are not lost by that. */
  pause(): void {
    this.#paused = true;
    Timer.clear(this.#nextOld);
    this.#nextOld = undefined;
  }

  /** A sample was stored. */
  stored(channel: Channel): void {
    if (this.#paused) channel.hasOld = true;
    else {
      channel.hasFresh = true;
      this.#next();
    }
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#closed = true;
    this.pause();
  }

  #next(): void {
    if (this.#paused) return;
    const { channels } = this.#options;
    for (const channel of channels)
      while (
        channel.hasFresh &&
        this.#count(true) < freshLimit &&
        !isHeld(channel)
      )
        if (!this.#send(channel, true)) channel.hasFresh = false;
    for (const channel of channels)
      while (
        channel.hasOld &&
        this.#nextOld === undefined &&
        this.#count(false) < oldLimit &&
        !isHeld(channel)
      ) {
        if (this.#send(channel, false))
          this.#later(this.#options.pace ?? replayPace);
        else channel.hasOld = false;
      }
    if (!this.isEmpty) return;
    for (const channel of channels) channel.rest();
    this.#options.onEmpty?.();
  }

  #later(milliseconds: number): void {
    this.#nextOld = Timer.set(() => {
      this.#nextOld = undefined;
      this.#next();
    }, milliseconds);
  }

  #count(fresh: boolean): number {
    let count = 0;
    for (const one of this.#shipments)
      if (one.channel && one.fresh === fresh) count++;
    return count;
  }

  /** Puts a message together and sends it. False when there is nothing to send. */
  #send(channel: Channel, fresh: boolean): boolean {
    let shipment = this.#shipments.find((one) => !one.channel);
    if (!shipment) this.#shipments.push((shipment = new Shipment()));
    // Its numbers are those that are on their way: not before they are complete.
    if (!this.#fill(shipment, channel, fresh)) return false;
    const filled = shipment;
    // The buffer is written anew for the next message; this one's bytes must stay until it is acknowledged.
    const payload = channel.message.payload.slice();
    this.#options.publish(channel.topic, payload).then(
      () => this.#sent(filled, channel),
      (error: unknown) =>
        this.#failed(filled, channel, Failure.from(error, "mqtt.closed")),
    );
    return true;
  }

  #fill(shipment: Shipment, channel: Channel, fresh: boolean): boolean {
    const { records } = this.#options;
    const { newestFirst, batch } = channel.settings;
    const record = this.#record;
    const { message } = channel;
    const most = Math.min(batch, batchLimit);
    message.begin();
    let count = 0;
    if (newestFirst && !fresh) {
      const passes = (one: LogRecord): boolean =>
        this.#isOnItsWay(channel, one.seq);
      while (count === 0 && records.newest(channel.bit, record, passes)) {
        if (this.#isNeeded(channel) && this.#add(channel)) count++;
        else records.release(record.at, record.channel, record.seq);
      }
      if (count > 0) {
        shipment.begin(channel, fresh);
        shipment.add(record);
      }
    } else {
      const cursor = channel.cursor(fresh);
      while (count < most && records.advance(cursor, channel.bit, record)) {
        if (this.#isOnItsWay(channel, record.seq)) continue;
        if (!this.#isNeeded(channel)) {
          records.release(record.at, record.channel, record.seq);
          continue;
        }
        if (!this.#add(channel)) {
          // It does not fit any more: it is the first one of the next message.
          if (count > 0) cursor.at = record.at;
          break;
        }
        if (count++ === 0) shipment.begin(channel, fresh);
        shipment.add(record);
      }
    }
    this.#tellExpired(channel);
    return count > 0;
  }

  #isOnItsWay(channel: Channel, seq: number): boolean {
    return this.#shipments.some((one) => one.has(channel, seq));
  }

  /** Whether the record that was read is of any use: it may be too old, or a newer one may say what it says. */
  #isNeeded({ settings }: Channel): boolean {
    const { records, isExpired } = this.#options;
    const record = this.#record;
    if (record.gap) return true;
    if (
      settings.policy === "latest" &&
      record.seq + 1 < records.next(settings.number)
    )
      return false;
    if (!isExpired(record)) return true;
    this.#expired.add(record);
    return false;
  }

  #add({ message }: Channel): boolean {
    const record = this.#record;
    if (record.gap) {
      this.#gap.decode(record);
      return message.addGap(this.#gap);
    }
    const reading = this.#reading;
    loadReading(record, reading);
    const time = this.#options.timeOf(record);
    if (time !== undefined) {
      reading.time = time;
      reading.isTimeUnset = false;
    }
    return message.addReading(
      record.seq,
      this.#options.sensorName(reading.sensor),
      reading,
    );
  }

  /** How many were given up for their age is sent as well. */
  #tellExpired(channel: Channel): void {
    if (this.#expired.count === 0) return;
    const record = new LogRecord();
    this.#expired.encode(record, channel.settings.number);
    try {
      this.#options.records.append(record);
    } catch (error) {
      // It is told when the flash takes something again.
      log("flash", String(error));
      return;
    }
    this.#expired.clear();
    channel.hasFresh = true;
  }

  #sent(shipment: Shipment, channel: Channel): void {
    if (this.#closed) return;
    const { records, onSent } = this.#options;
    channel.hold = 0;
    for (let index = 0; index < shipment.count; index++)
      // Where it has moved it is found, and sent, once more.
      if (
        !records.release(
          shipment.places[index],
          channel.settings.number,
          shipment.seqs[index],
        )
      )
        channel.rewind();
    onSent(shipment);
    shipment.channel = undefined;
    this.#next();
  }

  /** It stays in flash, and is tried again: at once after a new connection, else when the hold is over. */
  #failed(shipment: Shipment, channel: Channel, failure: Failure): void {
    if (this.#closed) return;
    const { onFailed } = this.#options;
    shipment.channel = undefined;
    channel.hold = Math.min(longestHold, channel.hold * 2 || shortestHold);
    channel.heldSince = Time.ticks;
    channel.rewind();
    Timer.set(() => this.#next(), channel.hold + 1);
    onFailed(shipment, failure);
  }
}

function isHeld(channel: Channel): boolean {
  const { heldSince, hold } = channel;
  if (heldSince === undefined) return false;
  const since = Time.delta(heldSince);
  if (since >= 0 && since < hold) return true;
  channel.heldSince = undefined;
  return false;
}
