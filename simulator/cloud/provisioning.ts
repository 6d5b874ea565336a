import type { CertificateAuthority } from "./certificates/certificate-authority.js";
import { certificateId } from "./certificates/device-authority.js";
import { generateKeyPair, privateKeyToPem } from "./certificates/key-pair.js";
import { nodePolicy, nodePolicyName } from "./node-policy.js";
import { Certificates } from "./registry/certificates.js";
import type { Registry } from "./registry/registry.js";

/** What a device is given. */
export interface ProvisionedThing {
  readonly thingName: string;
  readonly certificateId: string;
  /** PKCS #8 PEM, EC P-256; nowhere else than here. */
  readonly privateKey: string;
  /** The device's certificate alone: its issuer is not published, so there is no chain to send. */
  readonly certificate: string;
  /** What the device has to trust, PEM. */
  readonly roots: string;
  /** Certificates that the thing had before. */
  readonly earlierCertificates: number;
}

/** A new device's key and certificate, not yet registered. */
export async function makeIdentity(
  authority: CertificateAuthority,
): Promise<{ privateKey: string; certificate: string }> {
  const pair = await generateKeyPair("P-256");
  return {
    privateKey: await privateKeyToPem(pair),
    certificate: await authority.issueForKey(pair.publicKey),
  };
}

/**
 * Registers a thing with its own key, an ACTIVE certificate and the nodes' policy: all of it or, when the machine stops in
 * between, nothing. A thing that exists gets one more certificate.
 * @throws ServiceError when the name is none for a thing
 */
export async function provisionThing(
  registry: Registry,
  authority: CertificateAuthority,
  thingName: string,
): Promise<ProvisionedThing> {
  const identity = await makeIdentity(authority);
  const id = certificateId(identity.certificate);
  const earlierCertificates = registry.transaction(() => {
    if (!registry.things.find(thingName)) registry.things.create(thingName);
    const earlier = registry.certificatesOf(thingName).length;
    if (!registry.policies.find(nodePolicyName))
      registry.policies.create(nodePolicyName, nodePolicy());
    registry.certificates.add(identity.certificate, "ACTIVE");
    registry.attachPolicy(nodePolicyName, Certificates.arn(id));
    registry.attachThingPrincipal(thingName, Certificates.arn(id));
    return earlier;
  });
  return {
    thingName,
    certificateId: id,
    ...identity,
    roots: authority.roots,
    earlierCertificates,
  };
}
