import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApiServer } from "./api/api-server.js";
import { CertificateAuthority } from "./certificates/certificate-authority.js";
import type { ServerCertificate } from "./certificates/server-chain.js";
import { defaultChoices, type Choices } from "./choices.js";
import { CloudLock } from "./cloud-lock.js";
import { EventLog, type EventListener } from "./event-log.js";
import type { Will } from "./mqtt/admission.js";
import { Broker } from "./mqtt/broker.js";
import type { Client } from "./mqtt/client.js";
import { Connection, type ConnectionServices } from "./mqtt/connection.js";
import { JustInTime } from "./mqtt/just-in-time.js";
import { Lifecycle } from "./mqtt/lifecycle.js";
import { RateLimit } from "./mqtt/rate-limit.js";
import { RateLimits } from "./mqtt/rate-limits.js";
import { reason } from "./mqtt/reason.js";
import { Wills } from "./mqtt/wills.js";
import { endpointName } from "./names.js";
import { DataServer } from "./https/data-server.js";
import { Registry } from "./registry/registry.js";
import { Services } from "./services/services.js";
import { Store } from "./store.js";
import {
  defaultSecurityPolicy,
  securityPolicies,
  type SecurityPolicyName,
} from "./tls/security-policy.js";
import {
  httpAlpn,
  TlsListener,
  type SecureClient,
  type TlsListenerOptions,
} from "./tls/tls-listener.js";

/** How a cloud is set up. */
export interface CloudOptions {
  /** Folder that everything is kept in; made when it is not there. */
  readonly stateDir: string;
  /** Address to listen on; 127.0.0.1 when absent. */
  readonly address?: string;
  /** MQTT port; 0 takes any, absent takes 8883. */
  readonly port?: number;
  /** Port of the HTTPS data plane, AWS's 8443; 0 or absent takes any. */
  readonly httpsPort?: number;
  /** Stand-in for port 443 (ALPN `x-amzn-mqtt-ca` for MQTT, `x-amzn-http-ca` for HTTPS); 0 takes any, absent opens none. */
  readonly alpnPort?: number;
  /** Port of the control plane, on loopback; any when it is 0 or absent. */
  readonly apiPort?: number;
  readonly securityPolicy?: SecurityPolicyName;
  readonly choices?: Partial<Choices>;
  /** Is told everything that happens, with the reasons that devices are not told. */
  readonly onEvent?: EventListener;
}

/** Milliseconds between looks at the age of the endpoint's certificate. */
const renewInterval = 6 * 3_600_000;

/**
 * A local AWS IoT Core: TLS endpoint, registry, policies, MQTT broker, one folder of state.
 *
 * `const cloud = await new Cloud({ stateDir, port: 0 }).start(); … await cloud.stop();`
 */
export class Cloud {
  readonly log = new EventLog();
  readonly #options: CloudOptions;
  readonly #choices: Choices;
  readonly #clients = new Map<string, Client>();
  readonly #connects: RateLimits;
  readonly #accountConnects: RateLimit;
  readonly #timers: NodeJS.Timeout[] = [];
  #running: Running | undefined;

  constructor(options: CloudOptions) {
    this.#options = options;
    this.#choices = { ...defaultChoices, ...options.choices };
    const { connectRate, connectBurst, accountConnectRate } = this.#choices;
    this.#connects = new RateLimits(connectRate, connectBurst);
    this.#accountConnects = new RateLimit(accountConnectRate);
    if (options.onEvent) this.log.listen(options.onEvent);
  }

  /** Data endpoint's host name: `<prefix>-ats.iot.local-1.localhost`. */
  get endpoint(): string {
    return this.#state.endpoint;
  }

  /** MQTT port. */
  get port(): number {
    return this.#state.listener.port;
  }

  /** Port of the HTTPS data plane. */
  get httpsPort(): number {
    return this.#state.httpsListener.port;
  }

  /** Port of 443's stand-in. */
  get alpnPort(): number | undefined {
    return this.#state.alpnListener?.port;
  }

  /** Port of the control plane. */
  get apiPort(): number {
    return this.#state.api.port;
  }

  /** File with the roots that a device has to trust, PEM. */
  get rootCaFile(): string {
    return join(this.#options.stateDir, "root-ca.pem");
  }

  /** Things, certificates and policies. */
  get registry(): Registry {
    return this.#state.registry;
  }

  /** Issues certificates. */
  get authority(): CertificateAuthority {
    return this.#state.authority;
  }

  /** Sessions and subscriptions. */
  get broker(): Broker {
    return this.#state.broker;
  }

  /** Shadows and everything else behind reserved topics. */
  get services(): Services {
    return this.#state.services;
  }

  /**
   * Opens the state and listens.
   * @throws StateError when the folder cannot be used; the system's error when a port cannot be had
   */
  async start(): Promise<this> {
    const { stateDir } = this.#options;
    const store = new Store(stateDir);
    const lock = CloudLock.take(store);
    let begun: { broker: Broker; services?: Services } | undefined;
    try {
      const authority = await CertificateAuthority.open(store);
      const endpoint = endpointName(store.endpointPrefix);
      writeFileSync(this.rootCaFile, authority.roots);
      const registry = new Registry(store);
      const broker = new Broker(store, this.#choices, this.log);
      begun = { broker };
      const services = new Services({
        store,
        registry,
        authority,
        broker,
        choices: this.#choices,
        log: this.log,
      });
      begun.services = services;
      const connections = this.#connectionServices(broker, registry, services);
      const apiServices = {
        store,
        registry,
        authority,
        broker,
        services,
        clients: this.#clients,
        choices: this.#choices,
        log: this.log,
        endpoint,
      };
      const api = new ApiServer(apiServices);
      const data = new DataServer(apiServices);
      const mqtt = (client: SecureClient) =>
        new Connection(client.socket, client, connections);
      const https = (client: SecureClient) => data.serve(client.socket, client);
      const certificates = await serverCertificates(authority, endpoint);
      const make = (
        onClient: (client: SecureClient) => void,
        more: Partial<TlsListenerOptions> = {},
      ) => this.#listener(endpoint, certificates, onClient, more);
      const { justInTime } = connections;
      const listener = make(mqtt, {
        ...(this.#choices.refuseCertificateAt === "handshake" && {
          judgeCertificate: (der) => justInTime.flawOf(der),
        }),
      });
      const httpsListener = make(https);
      const alpnListener =
        this.#options.alpnPort === undefined
          ? undefined
          : make(
              (client) => (client.alpn === httpAlpn ? https : mqtt)(client),
              { needsAlpn: true },
            );
      this.#running = {
        store,
        lock,
        authority,
        endpoint,
        registry,
        broker,
        services,
        connections,
        listener,
        httpsListener,
        ...(alpnListener && { alpnListener }),
        api,
      };
      await this.#listen(this.#running);
    } catch (error) {
      this.#running = undefined;
      await begun?.services?.stop();
      begun?.broker.stop();
      lock.release();
      await store.close();
      throw error;
    }
    this.#watch();
    return this;
  }

  /** Tells every client that the server goes, closes the ports and the state. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    for (const { parts } of [...this.#clients.values()])
      parts.line.end(
        reason.serverShuttingDown,
        "SERVER_INITIATED_DISCONNECT",
        "the cloud stops",
        "Server is shutting down",
      );
    running.connections.wills.stop();
    await running.services.stop();
    await new Promise((resolve) => setImmediate(resolve));
    await running.api.close();
    for (const listener of listenersOf(running)) await listener.close();
    running.broker.stop();
    running.lock.release();
    await running.store.close();
    this.log.add({ type: "stopped" });
  }

  get #state(): Running {
    if (!this.#running) throw new Error("The cloud is not running.");
    return this.#running;
  }

  #connectionServices(
    broker: Broker,
    registry: Registry,
    services: Services,
  ): ConnectionServices {
    return {
      broker,
      registry,
      choices: this.#choices,
      log: this.log,
      lifecycle: new Lifecycle(broker),
      wills: new Wills((clientId: string, { message }: Will) => {
        const { receivers } = broker.publish(message, clientId);
        this.log.add({
          type: "publish",
          client: `${clientId} (its will)`,
          topic: message.topic,
          QoS: message.qos,
          retain: message.retain,
          bytes: message.payload.length,
          receivers,
        });
      }),
      clients: this.#clients,
      reserved: services.reserved,
      justInTime: new JustInTime(
        registry,
        broker,
        this.log,
        services.provisionJustInTime,
      ),
      ingest: ({ rule, topic }, payload, clientId) =>
        services.rules.ingest(rule, { topic, payload, clientId }),
      mayConnect: (clientId) =>
        this.#connects.take(clientId) && this.#accountConnects.take(),
      accountPublishes: new RateLimit(this.#choices.accountPublishRate),
    };
  }

  #listener(
    endpoint: string,
    certificates: readonly ServerCertificate[],
    onClient: (client: SecureClient) => void,
    more: Partial<TlsListenerOptions>,
  ): TlsListener {
    return new TlsListener({
      policy:
        securityPolicies[this.#options.securityPolicy ?? defaultSecurityPolicy],
      certificates,
      serverNames: [endpoint, "localhost"],
      missingServerName: this.#choices.missingServerName,
      needsAlpn: false,
      handshakeTimeout: this.#choices.handshakeTimeout,
      log: this.log,
      onClient,
      ...more,
    });
  }

  async #listen(running: Running): Promise<void> {
    const address = this.#options.address ?? "127.0.0.1";
    await running.listener.listen(this.#options.port ?? 8883, address);
    try {
      await running.httpsListener.listen(this.#options.httpsPort ?? 0, address);
      await running.alpnListener?.listen(this.#options.alpnPort ?? 0, address);
      await running.api.listen(this.#options.apiPort ?? 0);
    } catch (error) {
      for (const listener of listenersOf(running)) await listener.close();
      throw error;
    }
    running.services.presignedUrls.origin = `https://${running.endpoint}:${running.httpsListener.port}`;
    running.lock.publish({
      mqtt: running.listener.port,
      api: running.api.port,
    });
    this.log.add({
      type: "listening",
      endpoint: running.endpoint,
      address,
      port: running.listener.port,
      httpsPort: running.httpsListener.port,
      ...(running.alpnListener && { alpnPort: running.alpnListener.port }),
      apiPort: running.api.port,
    });
  }

  /** Looks for changes of the registry by other processes, and for the end of the endpoint's certificate. */
  #watch(): void {
    const { registry } = this.#state;
    let revision = registry.revision;
    const look = setInterval(() => {
      registry.refresh();
      if (registry.revision === revision) return;
      revision = registry.revision;
      for (const client of [...this.#clients.values()]) client.reconsider();
    }, this.#choices.registryInterval);
    const renew = setInterval(() => {
      void this.#renew();
    }, renewInterval);
    look.unref();
    renew.unref();
    this.#timers.push(look, renew);
  }

  async #renew(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    const certificates = await serverCertificates(
      running.authority,
      running.endpoint,
    );
    for (const listener of listenersOf(running)) listener.renew(certificates);
  }
}

function listenersOf({
  listener,
  httpsListener,
  alpnListener,
}: Running): TlsListener[] {
  return [listener, httpsListener, ...(alpnListener ? [alpnListener] : [])];
}

/** Everything of a cloud that runs. */
interface Running {
  readonly store: Store;
  readonly lock: CloudLock;
  readonly authority: CertificateAuthority;
  readonly endpoint: string;
  readonly registry: Registry;
  readonly broker: Broker;
  readonly services: Services;
  readonly connections: ConnectionServices;
  readonly listener: TlsListener;
  readonly httpsListener: TlsListener;
  readonly alpnListener?: TlsListener;
  readonly api: ApiServer;
}

async function serverCertificates(
  authority: CertificateAuthority,
  endpoint: string,
): Promise<ServerCertificate[]> {
  return Promise.all([
    authority.serverCertificate("RSA-2048", endpoint),
    authority.serverCertificate("P-256", endpoint),
  ]);
}
