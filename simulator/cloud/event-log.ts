/**
 * One thing that happened in the cloud. `client` is a client id, `reason` says what a device is not told: when AWS would
 * just hang up, this is where one reads why.
 */
export type CloudEvent =
  | {
      type: "listening";
      endpoint: string;
      address: string;
      port: number;
      httpsPort: number;
      alpnPort?: number;
      apiPort: number;
    }
  | { type: "stopped" }
  | {
      type: "tls";
      peer: string;
      version: string;
      suite: string;
      certificate?: string;
      serverName?: string;
    }
  | { type: "tls-failed"; peer: string; reason: string }
  | { type: "warning"; peer?: string; client?: string; reason: string }
  | {
      type: "connected";
      client: string;
      peer: string;
      protocol: string;
      thing?: string;
      certificate: string;
      keepAlive: number;
      sessionPresent: boolean;
    }
  | {
      type: "refused";
      client?: string;
      peer: string;
      reason: string;
      told: string;
    }
  | {
      type: "disconnected";
      client: string;
      cause: string;
      reason: string;
      told: string;
    }
  | { type: "subscribe"; client: string; filter: string; QoS: number }
  | { type: "unsubscribe"; client: string; filter: string }
  | {
      type: "publish";
      client: string;
      topic: string;
      QoS: number;
      retain: boolean;
      bytes: number;
      receivers: number;
    }
  | {
      type: "denied";
      client: string;
      action: string;
      resource: string;
      decision: string;
      policy?: string;
      told: string;
    }
  | { type: "discarded"; client: string; topic?: string; reason: string }
  | {
      /** What a rule made of a message, or why it made nothing. */
      type: "rule";
      client: string;
      rule: string;
      topic: string;
      bytes: number;
      result: string;
    }
  | {
      /** A request to one of AWS's services, and what became of it. */
      type: "service";
      service: string;
      /** Client id, or certificate for HTTPS. */
      client: string;
      operation: string;
      /** Thing, shadow, job, stream … that it is about. */
      subject: string;
      outcome: string;
    }
  | {
      /** A request to the HTTPS data plane. */
      type: "https";
      peer: string;
      certificate?: string;
      operation: string;
      status: number;
      reason?: string;
    }
  | { type: "registry"; reason: string }
  | { type: "api"; operation: string; status: number; reason?: string };

/** An event with its moment, milliseconds since 1970. */
export type LoggedEvent = CloudEvent & { readonly time: number };

/** Is told every event. */
export type EventListener = (event: LoggedEvent) => void;

/** The one stream of everything that happens in the cloud. */
export class EventLog {
  readonly #listeners = new Set<EventListener>();

  /** Tells `listener` every event from now on. @returns what ends that */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells all listeners what happened. */
  add(event: CloudEvent): void {
    if (this.#listeners.size === 0) return;
    const logged = { ...event, time: Date.now() };
    for (const listener of this.#listeners) listener(logged);
  }
}

/** An event as one line for a person: time, what, who, details, reason. */
export function formatEvent(event: LoggedEvent): string {
  const time = new Date(event.time).toISOString().slice(11, 23);
  return `${time}  ${event.type.padEnd(12)}  ${printable(describe(event))}`;
}

function describe(event: CloudEvent): string {
  switch (event.type) {
    case "listening":
      return `${event.endpoint} on ${event.address} port ${event.port}, HTTPS on ${event.httpsPort}${event.alpnPort === undefined ? "" : `, stand-in for port 443 on ${event.alpnPort}`}, API on 127.0.0.1 port ${event.apiPort}`;
    case "stopped":
      return "";
    case "tls":
      return `${event.peer}  ${event.version} ${event.suite}, ${event.serverName === undefined ? "no server name" : `for ${event.serverName}`}, ${event.certificate === undefined ? "no client certificate" : `certificate ${short(event.certificate)}`}`;
    case "tls-failed":
      return `${event.peer}  ${event.reason}`;
    case "warning":
      return `${event.client ?? event.peer ?? ""}  ${event.reason}`;
    case "connected":
      return `${event.client}  ${event.protocol} from ${event.peer}, ${event.thing === undefined ? "no thing" : `thing ${event.thing}`}, certificate ${short(event.certificate)}, keep-alive ${event.keepAlive} s${event.sessionPresent ? ", session resumed" : ""}`;
    case "refused":
      return `${event.client ?? event.peer}  ${event.reason}. The device sees: ${event.told}`;
    case "disconnected":
      return `${event.client}  ${event.cause}: ${event.reason}. The device sees: ${event.told}`;
    case "subscribe":
      return `${event.client}  ${event.filter}  QoS ${event.QoS}`;
    case "unsubscribe":
      return `${event.client}  ${event.filter}`;
    case "publish":
      return `${event.client}  ${event.topic}  QoS ${event.QoS}${event.retain ? " retained" : ""}, ${event.bytes} bytes, ${event.receivers} receivers`;
    case "denied":
      return `${event.client}  ${event.action} on ${event.resource}: ${event.decision === "EXPLICIT_DENY" ? `denied by policy ${event.policy ?? ""}` : "no policy allows it"}. The device sees: ${event.told}`;
    case "discarded":
      return `${event.client}  ${event.topic ?? ""}  ${event.reason}`;
    case "rule":
      return `${event.client}  rule ${event.rule} takes ${event.topic}, ${event.bytes} bytes: ${event.result}`;
    case "service":
      return `${event.client}  ${event.service} ${event.operation} ${event.subject}: ${event.outcome}`;
    case "https":
      return `${event.peer}  ${event.operation} ${event.status}, ${event.certificate === undefined ? "no client certificate" : `certificate ${short(event.certificate)}`}${event.reason === undefined ? "" : `  ${event.reason}`}`;
    case "registry":
      return event.reason;
    case "api":
      return `${event.operation}  ${event.status}${event.reason === undefined ? "" : ` ${event.reason}`}`;
  }
}

/** The first digits of a certificate id: enough to tell them apart. */
export function short(certificateId: string): string {
  return certificateId.slice(0, 12);
}

/** Text whose control characters cannot disturb a terminal: topics and client ids come from strangers. */
function printable(text: string): string {
  return text.replace(
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g,
    (character) =>
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
