import { randomUUID } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { ApiRequest } from "../api/api-request.js";
import type { ApiServices } from "../api/api-services.js";
import {
  internalFailure,
  readBody,
  send,
  sendError,
} from "../api/http-answer.js";
import { optional } from "../api/members.js";
import { RawAnswer } from "../api/raw-answer.js";
import { Router } from "../api/router.js";
import { judgeCertificate, type Peer } from "../mqtt/admission.js";
import { Authorizer } from "../policy/authorizer.js";
import { ServiceError } from "../service-error.js";
import { dataRoutes, type DataRoute } from "./data-routes.js";

/** Milliseconds of silence after which a connection is closed. */
const idleTime = 30_000;

/**
 * The data plane over HTTPS with client certificates (AWS, "HTTPS"): port 8443, and port 443 with ALPN `x-amzn-http-ca`. The
 * registry and the policies decide as for MQTT; what they refuse is 403.
 */
export class DataServer {
  readonly #services: ApiServices;
  readonly #router = new Router(dataRoutes);
  readonly #server: Server;
  readonly #peers = new WeakMap<Duplex, Peer>();

  constructor(services: ApiServices) {
    this.#services = services;
    this.#server = createServer(
      (request, response) => void this.#call(request, response),
    );
    this.#server.setTimeout(idleTime);
  }

  /** Speaks HTTP on a connection after its TLS handshake. */
  serve(socket: Duplex, peer: Peer): void {
    this.#peers.set(socket, peer);
    this.#server.emit("connection", socket);
  }

  /** Runs one operation; whatever becomes of it is answered, and told to the log. */
  async #call(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    response.on("error", () => response.destroy());
    const [path = "/", search = ""] = (request.url ?? "/").split(/\?(.*)/s);
    const peer = this.#peers.get(request.socket);
    let operation = `${request.method ?? ""} ${path}`;
    let reason: string | undefined;
    response.setHeader("x-amzn-RequestId", randomUUID());
    try {
      const query = new URLSearchParams(search);
      const { presignedUrls } = this.#services.services;
      const object =
        request.method === "GET" ? presignedUrls.open(path, query) : undefined;
      if (object) {
        operation = "GetObject";
        send(response, new RawAnswer(object, "binary/octet-stream"));
        return;
      }
      const found = this.#find(request.method ?? "", withTopic(path));
      if (!found)
        throw new ServiceError(
          "ResourceNotFoundException",
          `The data plane has no ${operation}`,
        );
      const route = found.route as DataRoute;
      operation = route.name;
      const call = new ApiRequest({
        labels: found.labels,
        query,
        headers: request.headers,
        body: await readBody(request),
      });
      this.#authorize(peer, route, call);
      send(response, await route.operation(call, this.#services));
    } catch (error) {
      const known = error instanceof ServiceError;
      reason = known
        ? `${error.code}: ${error.message}`
        : `the cloud failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      sendError(response, known ? error : internalFailure());
    } finally {
      this.#services.log.add({
        type: "https",
        peer: peer?.name ?? "?",
        ...optional("certificate", peer?.certificateId),
        operation,
        status: response.statusCode,
        ...optional("reason", reason),
      });
    }
  }

  #find(method: string, path: string): ReturnType<Router["find"]> {
    return (
      this.#router.find("iotdata", method, path) ??
      this.#router.find("iot-jobs-data", method, path)
    );
  }

  /** @throws ServiceError ForbiddenException */
  #authorize(
    peer: Peer | undefined,
    route: DataRoute,
    request: ApiRequest,
  ): void {
    const { registry, choices } = this.#services;
    registry.refresh();
    const judged = judgeCertificate(peer?.certificateId, registry);
    if ("refused" in judged)
      throw new ServiceError("ForbiddenException", judged.refused);
    const authorizer = new Authorizer(
      registry,
      { certificateId: judged.id, ...optional("sourceIp", peer?.address) },
      choices,
    );
    for (const { actions, resource } of route.permissions(request))
      if (!actions.some((action) => authorizer.allows(action, resource)))
        throw new ServiceError(
          "ForbiddenException",
          `${actions.join(" or ")} on ${resource} is not allowed`,
        );
  }
}

/** A topic may stand in the path with its slashes as they are. */
function withTopic(path: string): string {
  const found = /^\/(topics|retainedMessage)\/(.+\/.+)$/.exec(path);
  return found ? `/${found[1]}/${found[2].replaceAll("/", "%2F")}` : path;
}
