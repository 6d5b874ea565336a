import { X509Certificate } from "node:crypto";
import { certificateId } from "../certificates/device-authority.js";
import type { EventLog } from "../event-log.js";
import { account } from "../names.js";
import type { CaCertificate } from "../registry/ca-certificates.js";
import type { Registry } from "../registry/registry.js";
import { judgeCertificate } from "./admission.js";
import type { Broker } from "./broker.js";

/** Provisions a device by the template of its authority (just-in-time provisioning). */
export type Provision = (
  authority: CaCertificate,
  certificate: X509Certificate,
) => void;

/**
 * Just-in-time registration (Developer Guide, "Just-in-time registration"): a certificate that the registry does not know, but
 * whose authority is registered for it, is registered as PENDING_ACTIVATION by its first CONNECT, and told of on
 * `$aws/events/certificates/registered/<caCertificateId>`. The handshake alone registers nothing, and the connection is closed.
 */
export class JustInTime {
  readonly #registry: Registry;
  readonly #broker: Broker;
  readonly #log: EventLog;
  readonly #provision: Provision;

  constructor(
    registry: Registry,
    broker: Broker,
    log: EventLog,
    provision: Provision,
  ) {
    this.#registry = registry;
    this.#broker = broker;
    this.#log = log;
    this.#provision = provision;
  }

  /**
   * Judges a client's certificate (DER), or that it showed none, before its CONNECT.
   * @returns why it is refused whatever the CONNECT says; undefined also for one that a CONNECT would register
   */
  flawOf(der: Buffer | undefined): string | undefined {
    this.#registry.refresh();
    const id = der && certificateId(der);
    const judged = judgeCertificate(id, this.#registry);
    if (!("refused" in judged)) return undefined;
    const registers = der && this.#authorityOf(new X509Certificate(der));
    return registers ? undefined : judged.refused;
  }

  /** Registers, or tells again of, the certificate (DER) of a client that connects. @returns whether it is one of these */
  connecting(der: Buffer): boolean {
    const certificate = new X509Certificate(der);
    const authority = this.#authorityOf(certificate);
    if (!authority) return false;
    const { certificateId: caCertificateId } = authority;
    const id = certificateId(der);
    const { certificates } = this.#registry;
    if (!certificates.find(id))
      certificates.add(certificate.toString(), "PENDING_ACTIVATION", {
        caCertificateId,
        certificateMode: authority.certificateMode,
      });
    this.#log.add({
      type: "registry",
      reason: `certificate ${id} is registered just in time, PENDING_ACTIVATION: authority ${caCertificateId} signed it`,
    });
    this.#broker.publish({
      topic: `$aws/events/certificates/registered/${caCertificateId}`,
      payload: Buffer.from(
        JSON.stringify({
          certificateId: id,
          caCertificateId,
          timestamp: Date.now(),
          certificateStatus: "PENDING_ACTIVATION",
          awsAccountId: account,
          // Documented as a text, measured as null.
          certificateRegistrationTimestamp: null,
        }),
      ),
      qos: 1,
      retain: false,
    });
    if (authority.registrationConfig) this.#provisioned(authority, certificate);
    return true;
  }

  #provisioned(authority: CaCertificate, certificate: X509Certificate): void {
    try {
      this.#provision(authority, certificate);
    } catch (error) {
      this.#log.add({
        type: "registry",
        reason: `the template of authority ${authority.certificateId} cannot be applied: ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  }

  /** The authority that registers this certificate: it is unknown, or waits for its activation. */
  #authorityOf(certificate: X509Certificate): CaCertificate | undefined {
    const known = this.#registry.certificates.find(
      certificateId(certificate.raw),
    );
    if (known && known.status !== "PENDING_ACTIVATION") return undefined;
    const authority = this.#registry.caCertificates.issuerOf(certificate);
    return authority?.autoRegistrationStatus === "ENABLE"
      ? authority
      : undefined;
  }
}
