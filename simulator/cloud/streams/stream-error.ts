/** Codes of the errors that streams answer with (AWS, "MQTT-based file delivery", "Error conditions"). */
export type StreamErrorCode =
  | "InvalidJson"
  | "InvalidCbor"
  | "InvalidRequest"
  | "BlockSizeOutOfBounds"
  | "OffsetOutOfBounds"
  | "BlockCountLimitExceeded"
  | "BlockBitmapLimitExceeded"
  | "ResourceNotFound"
  | "VersionMismatch";

/** A request to a stream that is refused. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  readonly code: StreamErrorCode;

  constructor(code: StreamErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
