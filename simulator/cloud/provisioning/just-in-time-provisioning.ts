import type { X509Certificate } from "node:crypto";
import { certificateId } from "../certificates/device-authority.js";
import { certificateVariables } from "../policy/certificate-variables.js";
import type { CaCertificate } from "../registry/ca-certificates.js";
import { applyTemplate, type TemplateTarget } from "./apply-template.js";
import type { Templates } from "./templates.js";

/** Parameters that a certificate gives to a template, by the part of its subject that they come from. */
const parameters: Readonly<Record<string, string>> = {
  Country: "Country",
  Organization: "Organization",
  OrganizationalUnit: "OrganizationalUnit",
  DistinguishedNameQualifier: "DistinguishedNameQualifier",
  StateName: "State",
  CommonName: "CommonName",
  SerialNumber: "SerialNumber",
};

/**
 * Just-in-time provisioning (Developer Guide, "Just-in-time provisioning"): makes what the template of a certificate's
 * authority says, with the certificate's id and the parts of its subject as parameters `AWS::IoT::Certificate::…`.
 * @throws ServiceError, ResourceConflict when it cannot be made; then nothing is
 */
export function provisionJustInTime(
  authority: CaCertificate,
  certificate: X509Certificate,
  templates: Templates,
  target: TemplateTarget,
): void {
  const { templateName, templateBody } = authority.registrationConfig ?? {};
  const body =
    templateName === undefined
      ? templateBody
      : templates.describe(templateName).templateBody;
  if (body === undefined) return;
  const subject = certificateVariables(certificate.toString());
  const given = new Map([
    ["AWS::IoT::Certificate::Id", certificateId(certificate.raw)],
  ]);
  for (const [name, part] of Object.entries(parameters)) {
    const value = subject.get(`iot:Certificate.Subject.${part}`)?.[0];
    if (value !== undefined) given.set(`AWS::IoT::Certificate::${name}`, value);
  }
  applyTemplate(body, given, target);
}
