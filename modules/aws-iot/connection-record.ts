/**
 * What is remembered of one connection to IoT Core, from the attempt to its end: a line of the node's flight recorder.
 * What was not reached is left out. Durations in milliseconds, each from the end of the step before it.
 */
export interface ConnectionRecord {
  /** When the attempt began, by the node's clock: milliseconds since 1970. */
  time: number;
  /** Wi-Fi signal strength at the beginning, in dBm. */
  RSSI?: number;
  /** The name server's answer. */
  dns?: number;
  /** Of the last address and port tried. */
  address?: string;
  port?: number;
  tcp?: number;
  tls?: number;
  connack?: number;
  /** How long it was up, in seconds. */
  online?: number;
  /** Why it ended: a code of `failures.ts`, `suspended` or `closed`. Missing: it was up when the node was reset. */
  end?: string;
  detail?: string;
  /** The wait before the next attempt that the backoff chose. */
  wait?: number;
  /** The least memory that was free since the node's start, in bytes. */
  memory?: number;
}

/** Where records are kept, such as a `FlightRecorder`. */
export interface ConnectionRecorder {
  /** The next `write` begins a record. */
  begin(): void;
  /** Keeps what is known of the current record, in place of what was kept of it before. */
  write(record: ConnectionRecord): void;
}
