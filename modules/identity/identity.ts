import { nativeFailure } from "./native-failure.js";

/** Which of the two places for an identity: the one in use, or the one that a rotation is preparing. */
export interface IdentityOptions {
  slot?: "active" | "pending";
}

/** What the node's certificate says. Times in ms since 1970. */
export interface CertificateSummary {
  /** One line, as "CN=node-1". */
  subject: string;
  issuer: string;
  /** Hexadecimal. */
  serial: string;
  notBefore: number;
  notAfter: number;
  /** SHA-256 of the certificate in lower-case hexadecimal: AWS IoT Core's certificateId. */
  fingerprint: string;
}

/**
 * Who the node is: its private key and its certificate, from flash.
 *
 * The key goes from flash to mbedTLS in C. Nothing here gives it away: there is no property, no method and no error that
 * holds any of its bytes.
 */
export class Identity extends Native("xs_identity_destructor") {
  /**
   * Reads the identity. Throws a Failure: `identity.no-key`, `identity.no-certificate`, `identity.bad-key`,
   * `identity.bad-certificate`, `identity.mismatch` when key and certificate do not belong together, `flash.…`.
   */
  constructor(options: IdentityOptions = {}) {
    super();
    const failure = nativeFailure(
      this.#open(options.slot === "pending" ? 1 : 0),
    );
    if (failure) throw failure;
  }

  /** What the certificate says; read anew at each access. */
  get certificate(): CertificateSummary {
    return {
      subject: this.#text(0),
      issuer: this.#text(1),
      serial: this.#text(2),
      notBefore: this.#time(0),
      notAfter: this.#time(1),
      fingerprint: this.#text(3),
    };
  }

  /** Frees key and certificate. Sessions that use them keep them until they end. */
  close(): void {
    native<() => void>("xs_identity_close").call(this);
  }

  #open(slot: number): string {
    return native<(slot: number) => string>("xs_identity_open").call(
      this,
      slot,
    );
  }

  #text(what: number): string {
    return native<(what: number) => string>("xs_identity_text").call(
      this,
      what,
    );
  }

  #time(which: number): number {
    return native<(which: number) => number>("xs_identity_time").call(
      this,
      which,
    );
  }
}
