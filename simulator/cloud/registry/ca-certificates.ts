import { randomBytes, type X509Certificate } from "node:crypto";
import { certificateId } from "../certificates/device-authority.js";
import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { Store } from "../store.js";
import { readCertificate } from "./certificates.js";
import { Resources } from "./resources.js";

/** How a certificate may be used: by one account, or by several that the client tells apart by server name. */
export type CertificateMode = "DEFAULT" | "SNI_ONLY";

/** What happens to a certificate that an authority signed when it first connects (just-in-time provisioning). */
export interface RegistrationConfig {
  readonly templateBody?: string;
  readonly roleArn?: string;
  readonly templateName?: string;
}

/** A customer's authority whose device certificates can be registered. */
export interface CaCertificate {
  /** SHA-256 of the DER bytes, 64 lower-case hexadecimal digits. */
  readonly certificateId: string;
  readonly certificatePem: string;
  readonly status: "ACTIVE" | "INACTIVE";
  readonly autoRegistrationStatus: "ENABLE" | "DISABLE";
  readonly registrationConfig?: RegistrationConfig;
  readonly certificateMode: CertificateMode;
  /** Milliseconds since 1970. */
  readonly creationDate: number;
  readonly lastModifiedDate: number;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What is said of an authority when it is registered. */
export type CaSettings = Pick<
  CaCertificate,
  "status" | "autoRegistrationStatus" | "certificateMode" | "registrationConfig"
>;

/** What may change of an authority. */
export type CaChanges = Partial<
  Pick<
    CaCertificate,
    "status" | "autoRegistrationStatus" | "registrationConfig"
  >
> & { readonly removeAutoRegistration?: boolean };

/** The registry's authorities. */
export class CaCertificates {
  readonly #store: Store;
  readonly #authorities: Resources<CaCertificate>;

  constructor(store: Store) {
    this.#store = store;
    this.#authorities = new Resources(
      store,
      "ca-certificate",
      "CA certificate",
    );
  }

  /** ARN of an authority. */
  static arn(id: string): string {
    return arn(`cacert/${id}`);
  }

  /** The code that an authority has to sign a certificate for, to show that its key is at hand; made once. */
  get registrationCode(): string {
    return this.#store.transaction(() => {
      const known = this.#store.meta.get("registration-code");
      if (typeof known === "string") return known;
      const code = randomBytes(32).toString("hex");
      this.#store.meta.putSync("registration-code", code);
      return code;
    });
  }

  /**
   * Registers an authority.
   * @param verification certificate that the authority signed, with the registration code as its common name; needed in
   * `DEFAULT` mode
   * @throws ServiceError CertificateValidationException, RegistrationCodeValidationException, ResourceAlreadyExistsException
   */
  register(
    certificatePem: string,
    verification: string | undefined,
    settings: CaSettings,
  ): CaCertificate {
    const certificate = readCertificate(certificatePem);
    if (!certificate.ca)
      throw new ServiceError(
        "CertificateValidationException",
        "The certificate is not an authority's: basicConstraints does not say CA:TRUE",
      );
    if (settings.certificateMode === "DEFAULT")
      this.#verify(certificate, verification);
    const id = certificateId(certificatePem);
    return this.#store.transaction(() => {
      if (this.find(id))
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          "The CA certificate is already registered",
          { resourceId: id, resourceArn: CaCertificates.arn(id) },
        );
      const now = Date.now();
      return this.#authorities.put(id, {
        certificateId: id,
        certificatePem,
        ...settings,
        creationDate: now,
        lastModifiedDate: now,
        notBefore: Date.parse(certificate.validFrom),
        notAfter: Date.parse(certificate.validTo),
      });
    });
  }

  /** The authority of this id, if there is one. */
  find(id: string): CaCertificate | undefined {
    return this.#authorities.find(id);
  }

  /** @throws ServiceError ResourceNotFoundException */
  describe(id: string): CaCertificate {
    return this.#authorities.describe(id);
  }

  /** @throws ServiceError ResourceNotFoundException */
  update(id: string, changes: CaChanges): void {
    this.#store.transaction(() => {
      const { registrationConfig, ...known } = this.describe(id);
      const { removeAutoRegistration, ...given } = changes;
      this.#authorities.put(id, {
        ...known,
        ...(registrationConfig &&
          removeAutoRegistration !== true && { registrationConfig }),
        ...given,
        lastModifiedDate: Date.now(),
      });
    });
  }

  /** Removes an authority that is INACTIVE. @throws ServiceError ResourceNotFoundException, CertificateStateException */
  remove(id: string): void {
    this.#store.transaction(() => {
      if (this.describe(id).status === "ACTIVE")
        throw new ServiceError(
          "CertificateStateException",
          `CA certificate must be deactivated (not ACTIVE) before deletion: ${id}`,
        );
      this.#authorities.remove(id);
    });
  }

  /** All authorities, by id. */
  list(): CaCertificate[] {
    return this.#authorities.list();
  }

  /** The registered, ACTIVE authority that signed this certificate, if there is one. */
  issuerOf(certificate: X509Certificate): CaCertificate | undefined {
    return this.list().find(
      ({ status, certificatePem }) =>
        status === "ACTIVE" &&
        signs(readCertificate(certificatePem), certificate),
    );
  }

  #verify(authority: X509Certificate, pem: string | undefined): void {
    if (pem === undefined)
      throw new ServiceError(
        "InvalidRequestException",
        "A verification certificate is needed to register a CA certificate in DEFAULT mode",
      );
    const verification = readCertificate(pem);
    if (!signs(authority, verification))
      throw new ServiceError(
        "CertificateValidationException",
        "The verification certificate is not signed by the CA certificate",
      );
    const code = this.registrationCode;
    if (!verification.subject.split("\n").includes(`CN=${code}`))
      throw new ServiceError(
        "RegistrationCodeValidationException",
        "The common name of the verification certificate is not the registration code of this account",
      );
  }
}

function signs(authority: X509Certificate, other: X509Certificate): boolean {
  return (
    other.issuer === authority.subject && other.verify(authority.publicKey)
  );
}
