import type { IncomingMessage, ServerResponse } from "node:http";
import { formatEvent, type EventLog, type LoggedEvent } from "../event-log.js";

/** Events that are kept for those who come later. */
const historyLimit = 1_000;
/** Bytes that may wait for a reader; what happens beyond them is only counted for it. */
const waitingLimit = 256 * 1024;
/** Milliseconds between signs of life to a reader: a proxy in between must not think that it is gone. */
const heartbeat = 15_000;

/**
 * What happened in the cloud, for people and programs: `GET /events` on the API's port.
 *
 * A program that accepts `text/event-stream` gets server-sent events (HTML Living Standard, section 9.2): `id`, `event` (the
 * type) and `data` (JSON). It may go on where it was with `Last-Event-ID`. Everybody else gets the readable log, a line each.
 */
export class EventHistory {
  /** The newest events; the last one has number `#count`. */
  readonly #events: LoggedEvent[] = [];
  readonly #readers = new Set<Reader>();
  readonly #end: () => void;
  #count = 0;

  constructor(log: EventLog) {
    this.#end = log.listen((event) => {
      this.#count += 1;
      this.#events.push(event);
      if (this.#events.length > historyLimit * 2)
        this.#events.splice(0, historyLimit);
      for (const reader of this.#readers) reader.tell(event, this.#count);
    });
  }

  /** Answers a request with the events so far, then with each as it happens, until the reader goes. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    const reader = new Reader(
      response,
      request.headers.accept?.includes("text/event-stream") === true,
    );
    const first = this.#count - this.#events.length + 1;
    const seen = Number(request.headers["last-event-id"] ?? 0);
    for (const [index, event] of this.#events.entries())
      if (first + index > seen) reader.tell(event, first + index);
    this.#readers.add(reader);
    response.on("close", () => {
      reader.stop();
      this.#readers.delete(reader);
    });
  }

  /** Stops listening. */
  stop(): void {
    this.#end();
    for (const reader of this.#readers) reader.stop();
  }
}

/** One who reads the events, at its own pace. */
class Reader {
  readonly #response: ServerResponse;
  readonly #asEvents: boolean;
  readonly #timer: NodeJS.Timeout | undefined;
  #missed = 0;

  constructor(response: ServerResponse, asEvents: boolean) {
    this.#response = response;
    this.#asEvents = asEvents;
    response.setHeader(
      "content-type",
      asEvents ? "text/event-stream" : "text/plain; charset=utf-8",
    );
    response.setHeader("cache-control", "no-store");
    response.flushHeaders();
    if (!asEvents) return;
    this.#timer = setInterval(() => response.write(":\n\n"), heartbeat);
    this.#timer.unref();
  }

  tell(event: LoggedEvent, number: number): void {
    if (this.#response.writableLength > waitingLimit) {
      this.#missed += 1;
      return;
    }
    if (this.#missed > 0)
      this.#response.write(
        this.#asEvents
          ? `event: missed\ndata: {"count":${this.#missed}}\n\n`
          : `${this.#missed} events were missed: they came faster than they were read\n`,
      );
    this.#missed = 0;
    this.#response.write(
      this.#asEvents
        ? `id: ${number}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
        : `${formatEvent(event)}\n`,
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
