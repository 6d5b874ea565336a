import {
  CaCertificates,
  type CaCertificate,
  type RegistrationConfig,
} from "../registry/ca-certificates.js";
import { account } from "../names.js";
import type { ApiRequest } from "./api-request.js";
import { oneOf, optional, seconds } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** GetRegistrationCode. */
export const getRegistrationCode: Operation = (_request, { registry }) => ({
  registrationCode: registry.caCertificates.registrationCode,
});

/** RegisterCACertificate. */
export const registerCACertificate: Operation = (request, services) => {
  const mode = oneOf(
    "certificateMode",
    request.optionalText("certificateMode"),
    ["DEFAULT", "SNI_ONLY"],
  );
  const authority = services.registry.caCertificates.register(
    request.text("caCertificate"),
    request.optionalText("verificationCertificate"),
    {
      status: request.queryFlag("setAsActive") ? "ACTIVE" : "INACTIVE",
      autoRegistrationStatus: request.queryFlag("allowAutoRegistration")
        ? "ENABLE"
        : "DISABLE",
      certificateMode: mode ?? "DEFAULT",
      ...optional("registrationConfig", registrationConfig(request)),
    },
  );
  putTags(request, services, CaCertificates.arn(authority.certificateId));
  return named(authority);
};

/** DescribeCACertificate. */
export const describeCACertificate: Operation = (request, { registry }) => {
  const authority = registry.caCertificates.describe(
    request.label("certificateId"),
  );
  return {
    certificateDescription: {
      ...entry(authority),
      certificatePem: authority.certificatePem,
      ownedBy: account,
      autoRegistrationStatus: authority.autoRegistrationStatus,
      lastModifiedDate: seconds(authority.lastModifiedDate),
      customerVersion: 1,
      generationId: authority.certificateId.slice(0, 32),
      validity: {
        notBefore: seconds(authority.notBefore),
        notAfter: seconds(authority.notAfter),
      },
      certificateMode: authority.certificateMode,
    },
    registrationConfig: authority.registrationConfig ?? {},
  };
};

/** UpdateCACertificate. */
export const updateCACertificate: Operation = (request, { registry }) => {
  const status = oneOf("newStatus", request.query("newStatus"), [
    "ACTIVE",
    "INACTIVE",
  ]);
  const automatic = oneOf(
    "newAutoRegistrationStatus",
    request.query("newAutoRegistrationStatus"),
    ["ENABLE", "DISABLE"],
  );
  registry.caCertificates.update(request.label("certificateId"), {
    ...optional("status", status),
    ...optional("autoRegistrationStatus", automatic),
    ...optional("registrationConfig", registrationConfig(request)),
    ...optional(
      "removeAutoRegistration",
      request.optionalFlag("removeAutoRegistration"),
    ),
  });
};

/** DeleteCACertificate. */
export const deleteCACertificate: Operation = (request, { registry }) => {
  registry.caCertificates.remove(request.label("certificateId"));
  return {};
};

/** ListCACertificates. */
export const listCACertificates: Operation = (request, { registry }) => {
  const template = request.query("templateName");
  const authorities = registry.caCertificates
    .list()
    .filter(
      ({ registrationConfig: config }) =>
        template === undefined || config?.templateName === template,
    );
  return page(
    request,
    "marker",
    "certificates",
    authorities,
    ({ certificateId }) => certificateId,
    entry,
  );
};

function registrationConfig(
  request: ApiRequest,
): RegistrationConfig | undefined {
  if (request.members.registrationConfig === undefined) return undefined;
  const given = request.structure("registrationConfig");
  return {
    ...optional("templateBody", given.optionalText("templateBody")),
    ...optional("roleArn", given.optionalText("roleArn")),
    ...optional("templateName", given.optionalText("templateName")),
  };
}

function named({ certificateId }: CaCertificate): object {
  return { certificateArn: CaCertificates.arn(certificateId), certificateId };
}

function entry(authority: CaCertificate): object {
  return {
    ...named(authority),
    status: authority.status,
    creationDate: seconds(authority.creationDate),
  };
}
