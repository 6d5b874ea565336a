import { randomBytes } from "node:crypto";
import type { Registry } from "../registry/registry.js";
import type { Store } from "../store.js";

/** A certificate that a device was given and has not been provisioned with yet, or that of a claim. */
interface OwnershipRecord {
  readonly certificateId: string;
  /** True for the certificate of a claim, which goes in any case. */
  readonly claim?: boolean;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Milliseconds that a token lasts: an hour. */
const tokenLife = 3_600_000;

/** Tokens that prove to RegisterThing that a device was given its certificate here. */
export class Ownership {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #now: () => number;
  /** No token expires before this moment, in ms since 1970. */
  #nextExpiry = 0;

  constructor(store: Store, registry: Registry, now: () => number) {
    this.#store = store;
    this.#registry = registry;
    this.#now = now;
  }

  /** Registers a certificate as PENDING_ACTIVATION. @returns its token */
  grant(certificateId: string, certificatePem: string): string {
    const token = makeToken();
    const record: OwnershipRecord = {
      certificateId,
      expiresAt: this.#now() + tokenLife,
    };
    this.#registry.transaction(() => {
      this.#registry.certificates.add(certificatePem, "PENDING_ACTIVATION");
      this.#store.ownership.putSync(keyOf(token), record);
    });
    return token;
  }

  /** Registers the certificate of a claim as ACTIVE, until `expiresAt`. */
  claim(
    certificateId: string,
    certificatePem: string,
    expiresAt: number,
  ): void {
    const record: OwnershipRecord = { certificateId, expiresAt, claim: true };
    this.#registry.transaction(() => {
      this.#registry.certificates.add(certificatePem, "ACTIVE");
      this.#store.ownership.putSync(`claim ${certificateId}`, record);
    });
    this.#nextExpiry = Math.min(this.#nextExpiry, expiresAt);
  }

  /** Id of the certificate behind a token that is still good. */
  certificateOf(token: string): string | undefined {
    const record = this.#store.ownership.get(keyOf(token)) as
      OwnershipRecord | undefined;
    return record && record.expiresAt > this.#now()
      ? record.certificateId
      : undefined;
  }

  /** Forgets tokens whose hour is over, and deletes the certificates that nobody was provisioned with. */
  expire(): void {
    const now = this.#now();
    if (now < this.#nextExpiry) return;
    this.#nextExpiry = now + tokenLife;
    for (const { key, value } of this.#store.ownership.getRange()) {
      const { certificateId, expiresAt, claim } = value as OwnershipRecord;
      if (expiresAt > now) {
        this.#nextExpiry = Math.min(this.#nextExpiry, expiresAt);
        continue;
      }
      this.#registry.transaction(() => {
        this.#store.ownership.removeSync(key);
        const certificate = this.#registry.certificates.find(certificateId);
        if (claim && certificate?.status === "ACTIVE")
          this.#registry.certificates.setStatus(certificateId, "INACTIVE");
        // One that somebody attached to a thing by the API is in use, whatever its status says.
        if (
          (claim || certificate?.status === "PENDING_ACTIVATION") &&
          certificate &&
          this.#registry.thingsOf(certificateId).length === 0
        )
          this.#registry.deleteCertificate(certificateId, true);
      });
    }
  }
}

/** Text of the length and look of AWS's: three parts in base64url, some 470 characters. */
function makeToken(): string {
  const header = { version: "20191210", method: "AES_256_GCM" };
  return [
    Buffer.from(JSON.stringify(header)).toString("base64url"),
    randomBytes(240).toString("base64url"),
    randomBytes(64).toString("base64url"),
  ].join(".");
}

/** The part of a token that no other has: a key of the store is shorter than a token may be. */
function keyOf(token: string): string {
  return token.slice(-86);
}
