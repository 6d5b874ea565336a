import { X509Certificate } from "node:crypto";
import { certificateId } from "../certificates/device-authority.js";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";

/** States of a certificate in the registry. Only ACTIVE ones connect. */
export type CertificateStatus =
  | "ACTIVE"
  | "INACTIVE"
  | "REVOKED"
  | "PENDING_TRANSFER"
  | "REGISTER_INACTIVE"
  | "PENDING_ACTIVATION";

/** A device certificate that the registry knows. */
export interface CertificateRecord {
  /** SHA-256 of the DER bytes, 64 lower-case hexadecimal digits. */
  readonly certificateId: string;
  readonly certificatePem: string;
  readonly status: CertificateStatus;
  /** Milliseconds since 1970. */
  readonly creationDate: number;
  readonly lastModifiedDate: number;
  /** Validity, milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Largest certificate the registry takes, PEM characters. */
const pemLimit = 65_536;

/** The registry's device certificates. No authority is asked: a certificate is good because it is here and ACTIVE. */
export class Certificates {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** ARN of a certificate. */
  static arn(id: string): string {
    return arn(`cert/${id}`);
  }

  /**
   * Registers a certificate, whoever signed it.
   * @throws ServiceError InvalidRequestException, ResourceAlreadyExistsException, CertificateStateException
   */
  register(
    certificatePem: string,
    status: CertificateStatus,
  ): CertificateRecord {
    if (status === "PENDING_ACTIVATION")
      throw new ServiceError(
        "CertificateStateException",
        "Not allowed to register certificate with PENDING_ACTIVATION status",
      );
    return this.add(certificatePem, status);
  }

  /** Keeps a certificate that the cloud itself issued; unlike `register`, in any status. */
  add(certificatePem: string, status: CertificateStatus): CertificateRecord {
    const { id, notBefore, notAfter } = readCertificate(certificatePem);
    return this.#store.transaction(() => {
      if (this.find(id))
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          "The certificate is already provisioned or registered",
        );
      const now = Date.now();
      const record: CertificateRecord = {
        certificateId: id,
        certificatePem,
        status,
        creationDate: now,
        lastModifiedDate: now,
        notBefore,
        notAfter,
      };
      this.#put(record);
      return record;
    });
  }

  /** The certificate of this id, if there is one. */
  find(id: string): CertificateRecord | undefined {
    return this.#store.certificates.get(id) as CertificateRecord | undefined;
  }

  /** @throws ServiceError ResourceNotFoundException */
  describe(id: string): CertificateRecord {
    const record = this.find(id);
    if (!record)
      throw new ServiceError(
        "ResourceNotFoundException",
        `Certificate ${id} not found`,
      );
    return record;
  }

  /**
   * Changes the status; the same status again is no error.
   * @throws ServiceError ResourceNotFoundException, CertificateStateException
   */
  setStatus(id: string, status: CertificateStatus): CertificateRecord {
    if (status === "PENDING_TRANSFER" || status === "PENDING_ACTIVATION")
      throw new ServiceError(
        "CertificateStateException",
        `Setting the status to ${status} is not allowed`,
      );
    return this.#store.transaction(() => {
      const record = this.describe(id);
      if (record.status === status) return record;
      const updated = { ...record, status, lastModifiedDate: Date.now() };
      this.#put(updated);
      return updated;
    });
  }

  /** Takes a certificate out of the registry. What is attached to it is the caller's to look after. */
  remove(id: string): void {
    this.#store.transaction(() => {
      this.#store.certificates.removeSync(id);
      this.#store.touchRegistry();
    });
  }

  /** All certificates, by id. */
  list(): CertificateRecord[] {
    return [...this.#store.certificates.getRange()].map(
      ({ value }) => value as CertificateRecord,
    );
  }

  #put(record: CertificateRecord): void {
    this.#store.certificates.putSync(record.certificateId, record);
    this.#store.touchRegistry();
  }
}

function readCertificate(pem: string): {
  id: string;
  notBefore: number;
  notAfter: number;
} {
  try {
    if (pem.length > pemLimit) throw new Error("it is too long");
    const certificate = new X509Certificate(pem);
    return {
      id: certificateId(pem),
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
    };
  } catch (error) {
    throw new ServiceError(
      "InvalidRequestException",
      `The certificate cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
