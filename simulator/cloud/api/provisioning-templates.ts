import type { CreateTemplateInput } from "../provisioning/templates.js";
import { ServiceError } from "../service-error.js";
import type { ApiRequest } from "./api-request.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateProvisioningTemplate. */
export const createProvisioningTemplate: Operation = (request, services) => {
  const made = services.services.templates.create(
    request.members as unknown as CreateTemplateInput,
  );
  putTags(request, services, made.templateArn);
  return made;
};

/** DescribeProvisioningTemplate. */
export const describeProvisioningTemplate: Operation = (
  request,
  { services },
) => services.templates.describe(request.label("templateName"));

/** UpdateProvisioningTemplate. */
export const updateProvisioningTemplate: Operation = (
  request,
  { services },
) => {
  services.templates.update(request.label("templateName"), request.members);
  return {};
};

/** CreateProvisioningClaim. */
export const createProvisioningClaim: Operation = (request, { services }) =>
  services.provisioning.createClaim(request.label("templateName"));

/** RegisterThing. */
export const registerThing: Operation = (request, { services }) =>
  services.registerThing(
    request.text("templateBody"),
    request.optionalMap("parameters") ?? {},
  );

/** DeleteProvisioningTemplate. */
export const deleteProvisioningTemplate: Operation = (
  request,
  { services },
) => {
  services.templates.delete(request.label("templateName"));
  return {};
};

/** ListProvisioningTemplates. */
export const listProvisioningTemplates: Operation = (request, { services }) =>
  page(
    request,
    "nextToken",
    "templates",
    services.templates.list(),
    ({ templateName }) => templateName,
    ({
      defaultVersionId: _version,
      templateBody: _body,
      provisioningRoleArn: _role,
      preProvisioningHook: _hook,
      ...shown
    }) => shown,
  );

/** CreateProvisioningTemplateVersion. */
export const createProvisioningTemplateVersion: Operation = (
  request,
  { services },
) =>
  services.templates.createVersion(
    request.label("templateName"),
    request.text("templateBody"),
    request.queryFlag("setAsDefault"),
  );

/** DescribeProvisioningTemplateVersion. */
export const describeProvisioningTemplateVersion: Operation = (
  request,
  { services },
) =>
  services.templates.describeVersion(
    request.label("templateName"),
    versionOf(request),
  );

/** ListProvisioningTemplateVersions. */
export const listProvisioningTemplateVersions: Operation = (
  request,
  { services },
) =>
  page(
    request,
    "nextToken",
    "versions",
    services.templates.listVersions(request.label("templateName")),
    ({ versionId }) => String(versionId).padStart(10, "0"),
    ({ templateBody: _body, ...shown }) => shown,
  );

/** DeleteProvisioningTemplateVersion. */
export const deleteProvisioningTemplateVersion: Operation = (
  request,
  { services },
) => {
  services.templates.deleteVersion(
    request.label("templateName"),
    versionOf(request),
  );
  return {};
};

function versionOf(request: ApiRequest): number {
  const text = request.label("versionId");
  if (!/^\d{1,10}$/.test(text))
    throw new ServiceError(
      "InvalidRequestException",
      "versionId must be a whole number",
    );
  return Number(text);
}
