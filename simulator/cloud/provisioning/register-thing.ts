import type { CertificateAuthority } from "../certificates/certificate-authority.js";
import { ServiceError } from "../service-error.js";
import { invalid } from "../services/input.js";
import {
  applyTemplate,
  parametersOf,
  ResourceConflict,
  type TemplateTarget,
} from "./apply-template.js";
import { evaluate, parseTemplate } from "./template-language.js";

/**
 * RegisterThing of the control plane (AWS, "Provisioning devices that have device certificates"): what a template says is
 * made, with a certificate for a signing request where it has one.
 * @throws ServiceError InvalidRequestException, ResourceRegistrationFailureException
 */
export async function registerThing(
  templateBody: string,
  given: Readonly<Record<string, string>>,
  target: TemplateTarget,
  authority: CertificateAuthority,
): Promise<{
  certificatePem?: string;
  resourceArns: Readonly<Record<string, string>>;
}> {
  const template = parseTemplate(templateBody);
  const parameters = parametersOf(template, new Map(Object.entries(given)));
  const request = template.resources.find(
    ({ properties }) => properties.CertificateSigningRequest !== undefined,
  )?.properties.CertificateSigningRequest;
  const pem = evaluate(request, parameters, template.mappings);
  let issued: string | undefined;
  if (request !== undefined)
    try {
      if (typeof pem !== "string") throw new Error("it is no text");
      issued = await authority.issueForRequest(
        pem,
        target.choices.keepRequestSubject,
      );
    } catch (error) {
      invalid(`The certificate signing request: ${String(error)}`);
    }
  try {
    const { resourceArns } = applyTemplate(templateBody, parameters, {
      ...target,
      ...(issued !== undefined && { issued }),
    });
    return {
      ...(issued !== undefined && { certificatePem: issued }),
      resourceArns,
    };
  } catch (error) {
    if (!(error instanceof ResourceConflict)) throw error;
    throw new ServiceError(
      "ResourceRegistrationFailureException",
      error.message,
    );
  }
}
