import { Failure } from "../system/failure.js";
import { nativeFailure } from "./native-failure.js";

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
    const failure = nativeFailure(this.#open(source === "amazon"));
    if (failure) throw failure;
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

  /** How many roots there are. */
  get count(): number {
    return native<() => number>("xs_trust_anchors_count").call(this);
  }

  /** Frees the roots. Sessions that use them keep them until they end. */
  close(): void {
    native<() => void>("xs_trust_anchors_close").call(this);
  }

  #open(amazon: boolean): string {
    return native<(amazon: boolean) => string>("xs_trust_anchors_open").call(
      this,
      amazon,
    );
  }
}
