/** An answer whose body is not the operation's members as JSON: a shadow document, bytes. */
export class RawAnswer {
  readonly body: Buffer;
  readonly contentType: string;
  /** HTTP status. */
  readonly status: number;

  constructor(body: Buffer, contentType = "application/json", status = 200) {
    this.body = body;
    this.contentType = contentType;
    this.status = status;
  }
}
