import { Identity } from "../../../modules/identity/identity.js";
import { TrustAnchors } from "../../../modules/identity/trust-anchors.js";
import { Failure } from "../../../modules/system/failure.js";
import { equal, ok, throws } from "../assert.js";
import { test } from "../harness.js";

const codeOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    return error instanceof Failure ? error.code : String(error);
  }
  return "no failure";
};

test("a node without a key says so", () => {
  equal(
    codeOf(() => new Identity()),
    "identity.no-key",
  );
  equal(
    codeOf(() => new Identity({ slot: "pending" })),
    "identity.no-key",
  );
});

test("a node without trust anchors says so", () => {
  equal(
    codeOf(() => new TrustAnchors()),
    "identity.no-trust",
  );
});

test("Amazon's two roots are there, for AWS's endpoints only", () => {
  equal(TrustAnchors.amazon().count, 2);
  const name = "abcdefghijklmn-ats.iot.eu-west-1.amazonaws.com";
  equal(TrustAnchors.for(name).count, 2);
  equal(TrustAnchors.for(`${name}.cn`).count, 2);
  for (const other of [
    "amazonaws.com.evil.test",
    "evilamazonaws.com",
    "broker.test",
  ])
    equal(
      codeOf(() => TrustAnchors.for(other)),
      "identity.no-trust",
    );
});

test("what was closed stays closed, and nothing crashes", () => {
  const trust = TrustAnchors.amazon();
  trust.close();
  trust.close();
  throws(() => trust.count);
  // A native method on another kind of object.
  // eslint-disable-next-line @typescript-eslint/unbound-method -- the wrong receiver is the point
  throws(() => Reflect.apply(Identity.prototype.close, trust, []));
  ok(Object.keys(trust).length === 0);
});
