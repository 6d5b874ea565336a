import { Failure } from "../system/failure.js";
import { bytesOf } from "./certificate-bytes.js";
import { check } from "./native-failure.js";

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
 * The key goes from flash to mbedTLS in C, or stays in a chip that signs. Nothing here gives it away: there is no
 * property, no method and no error that holds any of its bytes.
 *
 * There are two slots. An instance reads one of them; the static methods prepare the pending one and change to it:
 * `generate`, `csr`, `store`, then `new Identity({ slot: "pending" })` to try it, then `activate`, and `rollBack` if the
 * new one does not do. Each step stands in flash once it returns, whatever happens to the power, and at every moment the
 * active slot holds one whole identity.
 */
export class Identity extends Native("xs_identity_destructor") {
  /**
   * Reads the identity: a key on P-256, P-384 or RSA with 2048 to 4096 bits, in SEC1, PKCS#1 or PKCS#8, and its
   * certificate with intermediates, each in PEM or DER. Throws a Failure: `identity.…` (see failures.ts) for what cannot
   * be used, among them `identity.mismatch` when key and certificate do not belong together; `flash.…`;
   * `tls.out-of-memory`.
   */
  constructor(options: IdentityOptions = {}) {
    super();
    check(this.#open(options.slot === "pending" ? 1 : 0));
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

  /**
   * Tells a Failure `identity.expired` when the certificate has ended. It is a word of warning: the server judges by its
   * own clock, and the node's may be wrong.
   *
   * @param now ms since 1970, by the node's clock
   */
  expiry(now: number, tell: (failure: Failure) => void): void {
    const end = this.#time(1);
    if (now > end)
      tell(
        new Failure(
          "identity.expired",
          `on ${new Date(end).toISOString().slice(0, 10)}`,
        ),
      );
  }

  /**
   * Makes a P-256 key on the node, in the pending slot. What was there before is gone then, an identity to roll back to
   * included.
   */
  static generate(): void {
    check(Identity.#generate());
  }

  /**
   * A request for a certificate of the pending slot's key (PKCS #10, RFC 2986), signed by it, as PEM: what AWS IoT Core
   * takes as certificateSigningRequest. It can be made again as often as it is needed.
   *
   * @param subject a name as in "CN=greenhouse-1,O=Example", 255 bytes at most
   *
   * Throws a Failure: `config.invalid` for a subject that is no name, `identity.no-pending` without a key.
   */
  static csr(subject: string): string {
    const answer = Identity.#csr(subject);
    if (!answer.startsWith("-----BEGIN")) check(answer);
    return answer;
  }

  /**
   * Stores the certificate for the pending slot's key.
   *
   * @param certificate the certificate, then its intermediates if it has any: PEM, or DER one after another
   *
   * Throws a Failure: `identity.bad-certificate`, `identity.mismatch` when it is for another key, `identity.no-pending`.
   */
  static store(certificate: string | ArrayBuffer | Uint8Array): void {
    check(Identity.#store(bytesOf(certificate)));
  }

  /**
   * Makes the pending identity the active one, by one write to flash. Instances that are open go on as they are. Throws a
   * Failure `identity.no-pending` when there is none, or what is wrong with it.
   */
  static activate(): void {
    check(Identity.#switch(false));
  }

  /**
   * Makes the identity active again that was so before `activate`, by one write to flash; what was activated is pending
   * again. Throws a Failure `identity.no-previous` when there is none.
   */
  static rollBack(): void {
    check(Identity.#switch(true));
  }

  /** Frees key and certificate. Sessions that use them keep them until they end. */
  close(): void {
    native<() => void>("xs_identity_close").call(this);
  }

  static #generate(): string {
    return native<() => string>("xs_identity_generate").call(this);
  }

  static #csr(subject: string): string {
    return native<(subject: string) => string>("xs_identity_csr").call(
      this,
      subject,
    );
  }

  static #store(bytes: ArrayBuffer | Uint8Array): string {
    return native<(bytes: ArrayBuffer | Uint8Array) => string>(
      "xs_identity_store",
    ).call(this, bytes);
  }

  static #switch(back: boolean): string {
    return native<(back: boolean) => string>("xs_identity_switch").call(
      this,
      back,
    );
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
