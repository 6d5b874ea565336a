import type { IncomingMessage, ServerResponse } from "node:http";
import { ServiceError } from "../service-error.js";
import { RawAnswer } from "./raw-answer.js";
import type { ApiService } from "./signature.js";

/** Largest body of a request, bytes: AWS's templates and job documents are far below. */
const bodyLimit = 1024 * 1024;

/** The whole body of a request. @throws ServiceError RequestEntityTooLargeException */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > bodyLimit)
      throw new ServiceError(
        "RequestEntityTooLargeException",
        `The body of the request is larger than ${bodyLimit} bytes`,
      );
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** Answers with what an operation returned. */
export function send(response: ServerResponse, answer: unknown): void {
  if (answer instanceof RawAnswer) {
    response.statusCode = answer.status;
    response.setHeader("content-type", answer.contentType);
    response.end(answer.body);
    return;
  }
  response.setHeader("content-type", "application/json");
  response.end(answer === undefined ? "" : JSON.stringify(answer));
}

/**
 * An error as the SDKs read it: its name in a header, its message in the body.
 * @param service that was asked, if that is known: throttled by `iot` is 400, by the others 429
 */
export function sendError(
  response: ServerResponse,
  error: ServiceError,
  service?: ApiService,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const throttled = error.code === "ThrottlingException";
  response.statusCode = throttled && service === "iot" ? 400 : error.status;
  response.setHeader("x-amzn-ErrorType", error.code);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ message: error.message, ...error.resource }));
}

/** What is answered when the cloud itself failed. */
export function internalFailure(): ServiceError {
  return new ServiceError(
    "InternalFailureException",
    "An unexpected error has occurred; the cloud's log tells it",
  );
}
