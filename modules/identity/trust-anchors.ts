import { Failure } from "../system/failure.js";
import { bytesOf } from "./certificate-bytes.js";
import { check } from "./native-failure.js";

/**
 * The root certificates that a node trusts to vouch for its server. Several at once, so that a server's root can be
 * changed before the old one ends. Without any, a node refuses to connect.
 */
export class TrustAnchors extends Native("xs_trust_anchors_destructor") {
  /**
   * @param source "flash" for the roots that were provisioned, "amazon" for Amazon Root CA 1 and 3, which are compiled in
   *
   * Throws a Failure: `identity.no-trust` when flash holds none, `identity.bad-trust`, `flash.…`.
   */
  constructor(source: "flash" | "amazon" = "flash") {
    super();
    check(this.#open(source === "amazon"));
  }

  /** Amazon Root CA 1 (RSA) and 3 (EC): the ends of AWS IoT Core's two chains. */
  static amazon(): TrustAnchors {
    return new TrustAnchors("amazon");
  }

  /**
   * The roots for an endpoint: those in flash when there are any, else Amazon's for names under amazonaws.com (and
   * amazonaws.com.cn), else a Failure `identity.no-trust`.
   *
   * @param endpoint host name, without a port
   */
  static for(endpoint: string): TrustAnchors {
    try {
      return new TrustAnchors();
    } catch (error) {
      const absent =
        error instanceof Failure && error.code === "identity.no-trust";
      if (absent && /\.amazonaws\.com(\.cn)?\.?$/i.test(endpoint))
        return TrustAnchors.amazon();
      throw error;
    }
  }

  /**
   * Stores roots in flash, in place of those that are there, by one write. Instances that are open keep what they read.
   *
   * @param roots PEM, or DER one after another; 32 KB at most
   *
   * Throws a Failure `identity.bad-trust` for what is no certificate of an authority; nothing is changed then.
   */
  static store(roots: string | ArrayBuffer | Uint8Array): void {
    check(TrustAnchors.#store(bytesOf(roots), false));
  }

  /**
   * Stores roots in flash beside those that are there. This is how a server's root is changed: add the new one, let the
   * server change, then `store` the new one alone. For an endpoint of AWS without roots in flash, add Amazon's as well:
   * what flash holds takes the place of those in the firmware.
   */
  static add(roots: string | ArrayBuffer | Uint8Array): void {
    check(TrustAnchors.#store(bytesOf(roots), true));
  }

  /** How many roots there are. */
  get count(): number {
    return native<() => number>("xs_trust_anchors_count").call(this);
  }

  /** Frees the roots. Sessions that use them keep them until they end. */
  close(): void {
    native<() => void>("xs_trust_anchors_close").call(this);
  }

  static #store(bytes: ArrayBuffer | Uint8Array, beside: boolean): string {
    return native<(bytes: ArrayBuffer | Uint8Array, beside: boolean) => string>(
      "xs_trust_anchors_store",
    ).call(this, bytes, beside);
  }

  #open(amazon: boolean): string {
    return native<(amazon: boolean) => string>("xs_trust_anchors_open").call(
      this,
      amazon,
    );
  }
}
