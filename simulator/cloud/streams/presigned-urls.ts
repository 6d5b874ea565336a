import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import { locationOf, type Buckets } from "./buckets.js";

/** A place in a job's document for an address that opens an object of S3 for a while (AWS, "Presigned URLs"). */
const placeholder = /\$\{aws:iot:s3-presigned-url(?:-v2)?:([^}]+)\}/g;
/** First level of the path that objects are served under. */
const prefix = "/s3/";

/** Addresses that open one object of S3's stand-in for a while, to whoever has them. Served by the HTTPS data plane. */
export class PresignedUrls {
  readonly #buckets: Buckets;
  readonly #key: Buffer;
  /** `https://<endpoint>:<port>` of the data plane, once it listens. */
  origin = "";

  constructor(store: Store, buckets: Buckets) {
    this.#buckets = buckets;
    const known = store.meta.get("presign-key") as Buffer | undefined;
    this.#key = known ?? randomBytes(32);
    if (!known) store.meta.putSync("presign-key", this.#key);
  }

  /** Whether a document has places for such addresses. */
  static areIn(document: string): boolean {
    return document.search(placeholder) >= 0;
  }

  /** Puts addresses into a document that are good for so many seconds. @throws ServiceError for an object that cannot be named */
  fill(document: string, seconds: number): string {
    return document.replace(placeholder, (_, address: string) => {
      const { bucket, key } = locationOf(address);
      const names = [bucket, ...key.split("/")].map(encodeURIComponent);
      const path = prefix + names.join("/");
      const until = String(Math.floor(Date.now() / 1000) + seconds);
      const query = new URLSearchParams({
        Expires: until,
        Signature: this.#sign(path, until).toString("hex"),
      });
      return `${this.origin}${path}?${query.toString()}`;
    });
  }

  /**
   * The object that a request asks for; undefined when it asks for none.
   * @throws ServiceError ForbiddenException for a signature that is wrong or too old, ResourceNotFoundException
   */
  open(path: string, query: URLSearchParams): Buffer | undefined {
    if (!path.startsWith(prefix)) return undefined;
    const until = query.get("Expires") ?? "";
    const given = Buffer.from(query.get("Signature") ?? "", "hex");
    const right = this.#sign(path, until);
    if (given.length !== right.length || !timingSafeEqual(given, right))
      throw new ServiceError("ForbiddenException", "The signature is wrong");
    if (Number(until) * 1000 < Date.now())
      throw new ServiceError("ForbiddenException", "Request has expired");
    return this.#buckets.readAddress(`s3://${path.slice(prefix.length)}`);
  }

  #sign(path: string, until: string): Buffer {
    return createHmac("sha256", this.#key).update(`${path}\n${until}`).digest();
  }
}
