import type { ChannelSettings } from "../system/telemetry-settings.js";
import { CBORMessage } from "./cbor-message.js";
import { JSONMessage } from "./json-message.js";
import { LogCursor } from "./log-cursor.js";
import type { MessageFormat } from "./message-format.js";

/** Most bytes of a payload: IoT Core counts a message by 5 KB, and memory is dear. */
const payloadLimit = 1024;

/** A channel on its way to the cloud: what its messages are, and how far it has been sent. */
export class Channel {
  readonly settings: ChannelSettings;
  readonly topic: string;
  /** Its bit in a set of channels. */
  readonly bit: number;
  readonly #fresh = new LogCursor();
  readonly #old = new LogCursor();
  #message: MessageFormat | undefined;
  /** There may be samples stored since the connection is there that have not been sent. */
  hasFresh = false;
  /** There may be older ones. */
  hasOld = true;
  /** Ticks from which on it may be sent again, after a failure; undefined: now. */
  heldSince: number | undefined;
  /** Milliseconds that it is held. */
  hold = 0;

  /** @param prefix the topic's levels before the channel's name, with a slash at the end */
  constructor(settings: ChannelSettings, prefix: string) {
    this.settings = settings;
    this.bit = 1 << settings.number;
    const rule = settings.rule === "" ? "" : `$aws/rules/${settings.rule}/`;
    this.topic = `${rule}${prefix}${settings.name}`;
  }

  /** Where the next fresh, or old, sample is looked for. */
  cursor(fresh: boolean): LogCursor {
    return fresh ? this.#fresh : this.#old;
  }

  /** The oldest sample that was not acknowledged is looked for from the beginning. */
  rewind(): void {
    this.#old.rewind();
    this.hasOld = true;
  }

  /** Where its messages are written: the memory is there as long as there is something to send. */
  get message(): MessageFormat {
    const { format } = this.settings;
    return (this.#message ??=
      format === "cbor"
        ? new CBORMessage(payloadLimit)
        : new JSONMessage(payloadLimit));
  }

  /** Gives the memory for messages back. */
  rest(): void {
    this.#message = undefined;
  }
}
