/** An answer whose body is not the operation's members as JSON: a shadow document, bytes. */
export class RawAnswer {
  readonly body: Buffer;
  readonly contentType: string;

  constructor(body: Buffer, contentType = "application/json") {
    this.body = body;
    this.contentType = contentType;
  }
}
