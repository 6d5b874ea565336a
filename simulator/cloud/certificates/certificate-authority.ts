import type { webcrypto } from "node:crypto";
import type { Store } from "../store.js";
import x509 from "../x509.js";
import {
  issueDeviceCertificate,
  makeDeviceAuthority,
} from "./device-authority.js";
import type { KeyKind } from "./key-pair.js";
import {
  issueServerCertificate,
  makeServerAuthorities,
  type AuthorityRecord,
  type ServerAuthorities,
  type ServerCertificate,
} from "./server-chain.js";

/** The endpoint's certificate is issued anew when less than this is left of it. */
const renewBefore = 30 * 86_400_000;

/** All that the authority keeps. */
interface AuthorityState {
  readonly rsa: ServerAuthorities;
  readonly ec: ServerAuthorities;
  readonly device: AuthorityRecord;
}

/**
 * The cloud's certificate authority: the chains that its endpoint shows in RSA and in EC, and the one that signs device
 * certificates. Made on first use and kept in the state folder.
 */
export class CertificateAuthority {
  readonly #store: Store;
  readonly #state: AuthorityState;

  private constructor(store: Store, state: AuthorityState) {
    this.#store = store;
    this.#state = state;
  }

  /** The authority of this state folder; the first process that asks makes it, also when two ask at once. */
  static async open(store: Store): Promise<CertificateAuthority> {
    const known = store.meta.get("authority") as AuthorityState | undefined;
    if (known) return new CertificateAuthority(store, known);
    const [rsa, ec, device] = await Promise.all([
      makeServerAuthorities("RSA-2048"),
      makeServerAuthorities("P-256"),
      makeDeviceAuthority(),
    ]);
    const state = store.transaction(() => {
      const other = store.meta.get("authority") as AuthorityState | undefined;
      if (!other) store.meta.putSync("authority", { rsa, ec, device });
      return other ?? { rsa, ec, device };
    });
    return new CertificateAuthority(store, state);
  }

  /** What a device has to trust: the RSA root and the EC root, PEM. */
  get roots(): string {
    return this.#state.rsa.root.certificate + this.#state.ec.root.certificate;
  }

  /** Certificate of the authority that signs device certificates, PEM. AWS does not publish its own. */
  get deviceIssuer(): string {
    return this.#state.device.certificate;
  }

  /** The endpoint's certificate in one kind of key; the stored one while it lasts. */
  async serverCertificate(
    kind: KeyKind,
    endpoint: string,
  ): Promise<ServerCertificate> {
    const key = ["server-certificate", kind, endpoint];
    const known = this.#store.meta.get(key) as ServerCertificate | undefined;
    if (known && known.notAfter - Date.now() > renewBefore) return known;
    const authorities = kind === "RSA-2048" ? this.#state.rsa : this.#state.ec;
    const fresh = await issueServerCertificate(authorities, endpoint);
    this.#store.meta.putSync(key, fresh);
    return fresh;
  }

  /** Issues a certificate for a device's public key, PEM; it lasts as long as AWS's unless told otherwise. */
  async issueForKey(
    publicKey: webcrypto.CryptoKey,
    notAfter?: Date,
  ): Promise<string> {
    const { device } = this.#state;
    return issueDeviceCertificate(device, publicKey, undefined, notAfter);
  }

  /**
   * Issues a certificate for a signing request (PKCS #10, PEM), which must be signed by its own key.
   * @param keepSubject takes the request's subject; AWS's choice is not documented, so its own subject is the default: the
   * worst case for policies that rely on names
   * @throws Error when the request is malformed or its signature is wrong
   */
  async issueForRequest(pem: string, keepSubject = false): Promise<string> {
    const request = new x509.Pkcs10CertificateRequest(pem);
    if (!(await request.verify()))
      throw new Error("The signing request is not signed by its own key.");
    return issueDeviceCertificate(
      this.#state.device,
      request.publicKey,
      keepSubject ? request.subject : undefined,
    );
  }
}
