import { X509Certificate } from "node:crypto";
import {
  issueDeviceCertificate,
  makeDeviceAuthority,
} from "../../cloud/certificates/device-authority.js";
import {
  generateKeyPair,
  privateKeyToPem,
} from "../../cloud/certificates/key-pair.js";
import {
  issueServerCertificate,
  makeServerAuthorities,
  type LeafOptions,
  type ServerAuthorities,
} from "../../cloud/certificates/server-chain.js";

/** A key and a certificate, or a chain of them: PEM. */
export interface Credential {
  readonly key: string;
  readonly cert: string;
}

/** The certificates that cases show to a device. */
export type CertificateKind =
  "good" | "large" | "unknown-root" | "wrong-name" | "expired";

const day = 86_400_000;

/** DA: a large certificate is so much larger than the usual one. */
const larger = 1.2;

/** An endpoint that the device was never told of. */
const elsewhere = "a1elsewhere-ats.iot.elsewhere-1.example";

/**
 * The certificates of a suite: one root that the device trusts, RSA as Device Advisor's, and what it shows below that or
 * beside it; and the device's own. Each is made when it is first asked for.
 */
export class ServerCredentials {
  readonly #endpoint: string;
  readonly #authorities: Promise<ServerAuthorities>;
  readonly #made = new Map<CertificateKind, Promise<Credential>>();
  #device: Promise<Credential> | undefined;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
    this.#authorities = makeServerAuthorities("RSA-2048");
  }

  /** What the device has to trust, PEM. */
  async root(): Promise<string> {
    return (await this.#authorities).root.certificate;
  }

  /** A key and a certificate for the device, PEM. */
  device(): Promise<Credential> {
    return (this.#device ??= makeDevice());
  }

  /** What the server shows. */
  of(kind: CertificateKind): Promise<Credential> {
    let made = this.#made.get(kind);
    if (!made) this.#made.set(kind, (made = this.#make(kind)));
    return made;
  }

  async #make(kind: CertificateKind): Promise<Credential> {
    switch (kind) {
      case "good":
        return this.#issue();
      case "large": {
        const usual = sizeOf((await this.of("good")).cert);
        return this.#issue({ padding: Math.ceil(usual * (larger - 1)) });
      }
      case "expired":
        return this.#issue({
          notBefore: Date.now() - 400 * day,
          notAfter: Date.now() - day,
        });
      case "wrong-name":
        return this.#issue({ otherNames: [] }, elsewhere);
      case "unknown-root":
        return this.#issue(
          {},
          this.#endpoint,
          await makeServerAuthorities("RSA-2048"),
        );
    }
  }

  async #issue(
    options: LeafOptions = {},
    endpoint = this.#endpoint,
    authorities?: ServerAuthorities,
  ): Promise<Credential> {
    const { privateKey, chain } = await issueServerCertificate(
      authorities ?? (await this.#authorities),
      endpoint,
      options,
    );
    return { key: privateKey, cert: chain };
  }
}

async function makeDevice(): Promise<Credential> {
  const pair = await generateKeyPair("P-256");
  return {
    key: await privateKeyToPem(pair),
    cert: await issueDeviceCertificate(
      await makeDeviceAuthority(),
      pair.publicKey,
    ),
  };
}

/** Bytes of a chain of certificates as they go over the wire, without the lengths between them. */
export function sizeOf(chain: string): number {
  const one = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
  return (chain.match(one) ?? [])
    .map((pem) => new X509Certificate(pem).raw.length)
    .reduce((sum, size) => sum + size, 0);
}
