import type { Channel } from "./channel.js";
import type { LogRecord } from "./log-record.js";

/** Most samples in one message. */
export const batchLimit = 32;

/** The samples of one message that is on its way. It is used for one message after another. */
export class Shipment {
  /** Whose samples they are; undefined while it is not in use. */
  channel: Channel | undefined;
  /** They were stored while there was a connection. */
  fresh = false;
  count = 0;
  readonly seqs = new Uint32Array(batchLimit);
  /** Where they lie in flash. */
  readonly places = new Uint32Array(batchLimit);

  begin(channel: Channel, fresh: boolean): void {
    this.channel = channel;
    this.fresh = fresh;
    this.count = 0;
  }

  add(record: LogRecord): void {
    this.seqs[this.count] = record.seq;
    this.places[this.count] = record.at;
    this.count++;
  }

  has(channel: Channel, seq: number): boolean {
    if (this.channel !== channel) return false;
    for (let index = 0; index < this.count; index++)
      if (this.seqs[index] === seq) return true;
    return false;
  }

  /** `seq 7`, or `seq 7 to 18`. */
  toString(): string {
    const { count, seqs } = this;
    return count === 1
      ? `seq ${seqs[0]}`
      : `seq ${seqs[0]} to ${seqs[count - 1]}`;
  }
}
