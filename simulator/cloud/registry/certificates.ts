import { X509Certificate } from "node:crypto";
import { certificateId } from "../certificates/device-authority.js";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import type { CertificateMode } from "./ca-certificates.js";

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
  readonly certificateMode: CertificateMode;
  /** Id of the registered authority that signed it, if one did. */
  readonly caCertificateId?: string;
  /** Number of changes, 1 at the beginning. */
  readonly customerVersion: number;
  /** Milliseconds since 1970. */
  readonly creationDate: number;
  readonly lastModifiedDate: number;
  /** Validity, milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** How a certificate came here. */
export type CertificateOrigin = Partial<
  Pick<CertificateRecord, "certificateMode" | "caCertificateId">
>;

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
   * @throws ServiceError CertificateValidationException, ResourceAlreadyExistsException, CertificateStateException
   */
  register(
    certificatePem: string,
    status: CertificateStatus,
    origin: CertificateOrigin = {},
  ): CertificateRecord {
    if (status === "PENDING_ACTIVATION" || status === "PENDING_TRANSFER")
      throw new ServiceError(
        "CertificateStateException",
        `Not allowed to register certificate with ${status} status`,
      );
    return this.add(certificatePem, status, origin);
  }

  /** Keeps a certificate that the cloud itself issued or came to know; unlike `register`, in any status. */
  add(
    certificatePem: string,
    status: CertificateStatus,
    origin: CertificateOrigin = {},
  ): CertificateRecord {
    const certificate = readCertificate(certificatePem);
    const id = certificateId(certificatePem);
    return this.#store.transaction(() => {
      if (this.find(id))
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          "The certificate is already provisioned or registered",
          { resourceId: id, resourceArn: Certificates.arn(id) },
        );
      const now = Date.now();
      const record: CertificateRecord = {
        certificateId: id,
        certificatePem,
        status,
        certificateMode: "DEFAULT",
        ...origin,
        customerVersion: 1,
        creationDate: now,
        lastModifiedDate: now,
        notBefore: Date.parse(certificate.validFrom),
        notAfter: Date.parse(certificate.validTo),
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
      return this.#change(record, status);
    });
  }

  /**
   * Offers a certificate to another account (its status is then PENDING_TRANSFER), or takes the offer back.
   * @throws ServiceError ResourceNotFoundException, CertificateStateException, TransferConflictException,
   * TransferAlreadyCompletedException
   */
  setTransfer(id: string, offered: boolean): void {
    this.#store.transaction(() => {
      const record = this.describe(id);
      if (offered && record.status === "PENDING_TRANSFER")
        throw new ServiceError(
          "TransferConflictException",
          `The certificate is already being transferred: ${id}`,
        );
      if (offered && record.status !== "INACTIVE")
        throw new ServiceError(
          "CertificateStateException",
          `Only an INACTIVE certificate can be transferred: ${id} is ${record.status}`,
        );
      if (!offered && record.status !== "PENDING_TRANSFER")
        throw new ServiceError(
          "TransferAlreadyCompletedException",
          `The certificate is not being transferred: ${id}`,
        );
      this.#change(record, offered ? "PENDING_TRANSFER" : "INACTIVE");
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

  #change(
    record: CertificateRecord,
    status: CertificateStatus,
  ): CertificateRecord {
    const updated = {
      ...record,
      status,
      customerVersion: record.customerVersion + 1,
      lastModifiedDate: Date.now(),
    };
    this.#put(updated);
    return updated;
  }

  #put(record: CertificateRecord): void {
    this.#store.certificates.putSync(record.certificateId, record);
    this.#store.touchRegistry();
  }
}

/** A certificate that came as PEM. @throws ServiceError CertificateValidationException when it cannot be read */
export function readCertificate(pem: string): X509Certificate {
  try {
    if (pem.length > pemLimit) throw new Error("it is too long");
    return new X509Certificate(pem);
  } catch (error) {
    throw new ServiceError(
      "CertificateValidationException",
      `The certificate cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
