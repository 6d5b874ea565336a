import { randomUUID } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { RateLimits } from "../mqtt/rate-limits.js";
import { ServiceError } from "../service-error.js";
import { ApiRequest } from "./api-request.js";
import type { ApiServices } from "./api-services.js";
import { EventHistory } from "./event-history.js";
import { internalFailure, readBody, send, sendError } from "./http-answer.js";
import { optional } from "./members.js";
import { Router } from "./router.js";
import { routes } from "./routes.js";
import { readSignature, type ApiService } from "./signature.js";

/** Connections at once; whoever comes after waits. */
const connectionLimit = 500;

/**
 * The control plane: AWS IoT's API over plain HTTP on loopback, for the AWS SDKs and the AWS CLI with `--endpoint-url`.
 *
 * One port for `iot`, `iot-data` and `iot-jobs-data`; a request's signature says which one it means. The signature's form is
 * checked, the signature is not: see `readSignature`. Besides, `GET /events` shows what happens in the cloud, and
 * `GET /root-ca.pem` what a device has to trust; both need no signature.
 */
export class ApiServer {
  readonly #services: ApiServices;
  readonly #router = new Router(routes);
  readonly #server: Server;
  readonly #history: EventHistory;
  readonly #rates: RateLimits;

  constructor(services: ApiServices) {
    this.#services = services;
    const { apiRate } = services.choices;
    this.#rates = new RateLimits(apiRate, apiRate);
    this.#history = new EventHistory(services.log);
    this.#server = createServer(
      { requestTimeout: 30_000, headersTimeout: 10_000 },
      (request, response) => this.#serve(request, response),
    );
    this.#server.maxConnections = connectionLimit;
  }

  /** Port that it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Begins to listen on loopback. Rejects with the system's error when the port cannot be had. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Closes the port and every connection that is still open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.#server.close(() => resolve()),
    );
    this.#history.stop();
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    response.on("error", () => response.destroy());
    const [path = "/", search = ""] = (request.url ?? "/").split(/\?(.*)/s);
    if (request.method === "GET" && path === "/events")
      this.#history.serve(request, response);
    else if (request.method === "GET" && path === "/root-ca.pem") {
      response.setHeader("content-type", "application/x-pem-file");
      response.end(this.#services.authority.roots);
    } else void this.#call(request, response, path, search);
  }

  /** Runs one operation; whatever becomes of it is answered, and told to the log. */
  async #call(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    search: string,
  ): Promise<void> {
    response.setHeader("x-amzn-RequestId", randomUUID());
    const method = request.method ?? "";
    let operation = `${method} ${path}`;
    let reason: string | undefined;
    let service: ApiService | undefined;
    try {
      const query = new URLSearchParams(search);
      const signer = readSignature(request.headers, query);
      if ("code" in signer) throw new ServiceError(signer.code, signer.message);
      service = signer.service;
      const found = this.#router.find(service, method, path);
      if (!found) throw notImplemented(service, method, path);
      operation = found.route.name;
      if (!this.#rates.take(`${service} ${operation}`))
        throw new ServiceError("ThrottlingException", "Rate exceeded");
      const body = await readBody(request);
      const { labels } = found;
      const { headers } = request;
      send(
        response,
        await found.route.operation(
          new ApiRequest({ labels, query, headers, body }),
          this.#services,
        ),
      );
    } catch (error) {
      const known = error instanceof ServiceError;
      reason = known
        ? `${error.code}: ${error.message}`
        : `the cloud failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      sendError(response, known ? error : internalFailure(), service);
    }
    const { statusCode: status } = response;
    const { log } = this.#services;
    log.add({ type: "api", operation, status, ...optional("reason", reason) });
  }
}

function notImplemented(
  service: string,
  method: string,
  path: string,
): ServiceError {
  return new ServiceError(
    "NotImplementedException",
    `This local cloud does not implement ${method} ${path} of ${service}. It has ${routes.length} operations of the AWS IoT APIs, those that provisioning and operating devices take.`,
  );
}
