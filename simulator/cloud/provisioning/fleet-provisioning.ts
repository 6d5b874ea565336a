import type { CertificateAuthority } from "../certificates/certificate-authority.js";
import { certificateId as idOf } from "../certificates/device-authority.js";
import { generateKeyPair, rsaKeysToPem } from "../certificates/key-pair.js";
import { arn } from "../names.js";
import { Certificates } from "../registry/certificates.js";
import { ServiceError } from "../service-error.js";
import { isMap, type PayloadMap } from "../services/payload.js";
import type { Store } from "../store.js";
import {
  applyTemplate,
  certificateParameter,
  ResourceConflict,
  type TemplateTarget,
} from "./apply-template.js";
import { Ownership } from "./ownership.js";
import { ProvisioningError } from "./provisioning-error.js";
import { templateArn, type Templates } from "./templates.js";

/** What a pre-provisioning hook is told (AWS, "Pre-provisioning hooks"). */
export interface HookEvent {
  readonly claimCertificateId: string;
  readonly certificateId: string;
  readonly certificatePem: string;
  readonly templateArn: string;
  readonly clientId: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A pre-provisioning hook: on AWS a Lambda function, here a function in this process. */
export type Hook = (event: HookEvent) => Promise<{
  readonly allowProvisioning: boolean;
  readonly parameterOverrides?: Readonly<Record<string, string>>;
}>;

/** Who asks. */
export interface Claimant {
  readonly clientId: string;
  readonly certificateId: string;
}

/** What fleet provisioning stands on. */
export interface FleetProvisioningParts extends TemplateTarget {
  readonly store: Store;
  readonly authority: CertificateAuthority;
  readonly templates: Templates;
  /** Pre-provisioning hooks by the ARN that templates name. */
  readonly hooks: ReadonlyMap<string, Hook>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Longest signing request, PEM characters. */
const requestLimit = 4_096;
/** Milliseconds that a claim lasts. */
const claimLife = 300_000;
/** Milliseconds that a hook may take. */
const hookTime = 5_000;

/** How a device without an identity of its own gets one (AWS, "Device provisioning MQTT API"). */
export class FleetProvisioning {
  readonly #parts: FleetProvisioningParts;
  readonly #ownership: Ownership;

  constructor(parts: FleetProvisioningParts) {
    this.#parts = parts;
    const { store, registry, now = Date.now } = parts;
    this.#ownership = new Ownership(store, registry, now);
  }

  /** CreateKeysAndCertificate. */
  async createKeys(): Promise<PayloadMap> {
    const pair = await generateKeyPair("RSA-2048");
    const certificatePem = await this.#parts.authority.issueForKey(
      pair.publicKey,
    );
    const certificateId = idOf(certificatePem);
    const { PrivateKey: privateKey } = await rsaKeysToPem(pair);
    const certificateOwnershipToken = this.#ownership.grant(
      certificateId,
      certificatePem,
    );
    return {
      certificateId,
      certificatePem,
      privateKey,
      certificateOwnershipToken,
    };
  }

  /** CreateCertificateFromCsr. @throws ProvisioningError */
  async createFromRequest(request: PayloadMap): Promise<PayloadMap> {
    const { certificateSigningRequest: pem } = request;
    const { authority, choices } = this.#parts;
    const refuse = (why: string) =>
      new ProvisioningError(400, choices.provisioningCodes.csr, why);
    if (typeof pem !== "string" || pem === "")
      throw refuse("Certificate signing request cannot be empty.");
    if (pem.length > requestLimit)
      throw refuse(
        `The certificate signing request has ${pem.length} characters, ${requestLimit} are allowed.`,
      );
    let certificatePem: string;
    try {
      certificatePem = await authority.issueForRequest(
        pem,
        choices.keepRequestSubject,
      );
    } catch (error) {
      throw refuse(
        `Invalid certificate signing request: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    const certificateId = idOf(certificatePem);
    const certificateOwnershipToken = this.#ownership.grant(
      certificateId,
      certificatePem,
    );
    return { certificateOwnershipToken, certificateId, certificatePem };
  }

  /** RegisterThing: makes what the template says with the certificate behind the token. @throws ProvisioningError */
  async registerThing(
    templateName: string,
    request: PayloadMap,
    claimant: Claimant,
  ): Promise<PayloadMap> {
    const codes = this.#parts.choices.provisioningCodes;
    const certificateId = this.#certificateOf(request);
    const given = stringsOf(request.parameters ?? {});
    if (!given)
      throw new ProvisioningError(
        400,
        codes.parameters,
        "Parameters must be a map of text.",
      );
    const template = this.#enabledTemplate(templateName);
    const parameters = new Map(Object.entries(given));
    const { preProvisioningHook } = template;
    if (preProvisioningHook)
      for (const [name, value] of Object.entries(
        await this.#askHook(preProvisioningHook.targetArn, {
          claimCertificateId: claimant.certificateId,
          certificateId,
          certificatePem:
            this.#parts.registry.certificates.describe(certificateId)
              .certificatePem,
          templateArn: templateArn(templateName),
          clientId: claimant.clientId,
          parameters: given,
        }),
      ))
        parameters.set(name, value);
    parameters.set(certificateParameter, certificateId);
    try {
      const { thingName, deviceConfiguration } = applyTemplate(
        template.templateBody,
        parameters,
        this.#parts,
      );
      return { deviceConfiguration, thingName };
    } catch (error) {
      if (error instanceof ResourceConflict)
        throw new ProvisioningError(409, codes.conflict, error.message);
      if (error instanceof ServiceError)
        throw new ProvisioningError(
          error.status,
          error.code === "InvalidRequestException"
            ? codes.parameters
            : error.code.replace(/Exception$/, ""),
          error.message,
        );
      throw error;
    }
  }

  /**
   * CreateProvisioningClaim: keys and a certificate that last five minutes, good for provisioning by this template and for
   * nothing else. @throws ServiceError ResourceNotFoundException
   */
  async createClaim(templateName: string) {
    const { templates, registry, authority, now = Date.now } = this.#parts;
    templates.describe(templateName);
    const expiration = now() + claimLife;
    const pair = await generateKeyPair("RSA-2048");
    const certificatePem = await authority.issueForKey(
      pair.publicKey,
      new Date(expiration),
    );
    const certificateId = idOf(certificatePem);
    const policyName = `provisioning-claim-${templateName}`;
    registry.transaction(() => {
      this.#ownership.claim(certificateId, certificatePem, expiration);
      if (!registry.policies.find(policyName))
        registry.policies.create(policyName, claimPolicy(templateName));
      registry.attachPolicy(policyName, Certificates.arn(certificateId));
    });
    return {
      certificateId,
      certificatePem,
      keyPair: await rsaKeysToPem(pair),
      expiration: expiration / 1000,
    };
  }

  /** Forgets tokens whose hour is over, and claims whose time is. */
  expire(): void {
    this.#ownership.expire();
  }

  #certificateOf({ certificateOwnershipToken: token }: PayloadMap): string {
    const refuse = (why: string) =>
      new ProvisioningError(400, "InvalidCertificateOwnershipToken", why);
    if (typeof token !== "string" || token === "")
      throw refuse("Certificate ownership token cannot be empty.");
    const id = this.#ownership.certificateOf(token);
    if (id === undefined)
      throw refuse("Certificate ownership token is not valid or has expired.");
    return id;
  }

  #enabledTemplate(templateName: string): ReturnType<Templates["describe"]> {
    const { templates, choices } = this.#parts;
    const refuse = (why: string) =>
      new ProvisioningError(400, choices.provisioningCodes.template, why);
    try {
      const template = templates.describe(templateName);
      if (!template.enabled)
        throw refuse(`Provisioning template ${templateName} is not enabled.`);
      return template;
    } catch (error) {
      if (error instanceof ServiceError) throw refuse(error.message);
      throw error;
    }
  }

  /** @returns the parameters that the hook sets @throws ProvisioningError unless it allows the device in time */
  async #askHook(
    targetArn: string,
    event: HookEvent,
  ): Promise<Readonly<Record<string, string>>> {
    const refuse = (why: string) =>
      new ProvisioningError(403, "ACCESS_DENIED", why);
    const hook = this.#parts.hooks.get(targetArn);
    if (!hook)
      throw refuse(
        `The pre-provisioning hook ${targetArn} is no function of this local cloud.`,
      );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no answer in ${hookTime} ms`)),
        hookTime,
      );
    });
    try {
      const answer = await Promise.race([hook(event), late]);
      if (!answer.allowProvisioning)
        throw refuse("The pre-provisioning hook does not allow this device.");
      return answer.parameterOverrides ?? {};
    } catch (error) {
      if (error instanceof ProvisioningError) throw error;
      throw refuse(`The pre-provisioning hook failed: ${String(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What a claim may do: ask for a certificate, and provision itself by its template. */
function claimPolicy(templateName: string): string {
  const topics = [
    "$aws/certificates/create/*",
    "$aws/certificates/create-from-csr/*",
    `$aws/provisioning-templates/${templateName}/provision/*`,
  ].map((topic) => topic.replaceAll("$", "${$}"));
  const on = (kind: string) => topics.map((topic) => arn(`${kind}/${topic}`));
  const allow = (Action: string | string[], Resource: string | string[]) => ({
    Effect: "Allow",
    Action,
    Resource,
  });
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      allow("iot:Connect", "*"),
      allow(["iot:Publish", "iot:Receive"], on("topic")),
      allow("iot:Subscribe", on("topicfilter")),
    ],
  });
}

function stringsOf(value: unknown): Record<string, string> | undefined {
  const map = value as PayloadMap;
  return isMap(map) && Object.values(map).every((v) => typeof v === "string")
    ? (map as Record<string, string>)
    : undefined;
}
