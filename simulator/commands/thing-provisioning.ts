import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DescribeThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  GetPolicyCommand,
  ListThingPrincipalsCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateCertificateCommand,
  type IoTClient,
} from "@aws-sdk/client-iot";
import {
  generateKeyPair,
  privateKeyToPem,
  signingRequest,
} from "../cloud/certificates/key-pair.js";
import { nodePolicy, nodePolicyName } from "../cloud/node-policy.js";

/** What a device is given, and what was found on the way. */
export interface ProvisionedDevice {
  readonly thingName: string;
  readonly certificateId: string;
  /** PKCS #8 PEM, EC P-256, made here: it is in no request. */
  readonly privateKey: string;
  readonly certificate: string;
  /** Certificates that the thing had before. */
  readonly earlierCertificates: number;
  /** False when the account has a policy of the nodes' name with another document, which stays as it is. */
  readonly policyIsOurs: boolean;
}

/**
 * Registers a thing with a key of its own, an ACTIVE certificate and the nodes' policy, by AWS IoT's API: here, or at AWS.
 * A thing that exists gets one more certificate.
 * @param keep is given the device before its certificate becomes all that is left of it; when it throws, or anything fails,
 * the certificate is taken down again
 */
export async function provisionThing(
  client: IoTClient,
  thingName: string,
  keep: (device: ProvisionedDevice) => void,
): Promise<void> {
  const thingArn = await ensureThing(client, thingName);
  const prefix = thingArn.slice(0, -`thing/${thingName}`.length);
  const policyIsOurs = await ensurePolicy(
    client,
    nodePolicy((resource) => prefix + resource),
  );
  const { principals = [] } = await client.send(
    new ListThingPrincipalsCommand({ thingName }),
  );
  const keys = await generateKeyPair("P-256");
  const { certificateArn, certificateId, certificatePem } = await client.send(
    new CreateCertificateFromCsrCommand({
      certificateSigningRequest: await signingRequest(keys, thingName),
    }),
  );
  if (!certificateArn || !certificateId || !certificatePem)
    throw new Error("CreateCertificateFromCsr answered without a certificate.");
  try {
    await client.send(
      new AttachPolicyCommand({
        policyName: nodePolicyName,
        target: certificateArn,
      }),
    );
    await client.send(
      new AttachThingPrincipalCommand({ thingName, principal: certificateArn }),
    );
    // Active last: a certificate that connects is whole.
    await client.send(
      new UpdateCertificateCommand({ certificateId, newStatus: "ACTIVE" }),
    );
    keep({
      thingName,
      certificateId,
      privateKey: await privateKeyToPem(keys),
      certificate: certificatePem,
      earlierCertificates: principals.length,
      policyIsOurs,
    });
  } catch (error) {
    await takeDown(client, thingName, certificateArn, certificateId);
    throw error;
  }
}

/** Makes the thing when there is none of this name. @returns its ARN */
async function ensureThing(
  client: IoTClient,
  thingName: string,
): Promise<string> {
  const find = async () => {
    try {
      return await client.send(new DescribeThingCommand({ thingName }));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  };
  const { thingArn } =
    (await find()) ??
    (await client.send(new CreateThingCommand({ thingName })));
  if (!thingArn) throw new Error("AWS IoT answered without the thing's ARN.");
  return thingArn;
}

/** Makes the nodes' policy when there is none. @returns whether the account's is this one */
async function ensurePolicy(
  client: IoTClient,
  policyDocument: string,
): Promise<boolean> {
  const policyName = nodePolicyName;
  try {
    await client.send(new CreatePolicyCommand({ policyName, policyDocument }));
    return true;
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
  }
  const known = await client.send(new GetPolicyCommand({ policyName }));
  return (
    withoutSpace(known.policyDocument ?? "") === withoutSpace(policyDocument)
  );
}

const withoutSpace = (text: string) => text.replace(/\s/g, "");

/** Removes a certificate that did not come to be of use. What cannot be removed stays behind: the first error counts. */
async function takeDown(
  client: IoTClient,
  thingName: string,
  principal: string,
  certificateId: string,
): Promise<void> {
  try {
    await client.send(
      new DetachThingPrincipalCommand({ thingName, principal }),
    );
    await client.send(
      new DetachPolicyCommand({
        policyName: nodePolicyName,
        target: principal,
      }),
    );
    await client.send(
      new UpdateCertificateCommand({ certificateId, newStatus: "INACTIVE" }),
    );
    await client.send(new DeleteCertificateCommand({ certificateId }));
  } catch {
    // The error that led here tells more than this one.
  }
}
