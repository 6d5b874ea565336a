import * as authorization from "./authorization.js";
import * as billingGroups from "./billing-groups.js";
import * as authorities from "./ca-certificates.js";
import * as certificates from "./certificates.js";
import * as commands from "./commands.js";
import * as endpoints from "./endpoints.js";
import * as events from "./event-configurations.js";
import * as jobTemplates from "./job-templates.js";
import * as jobs from "./jobs.js";
import * as updates from "./ota-updates.js";
import * as templates from "./provisioning-templates.js";
import * as policies from "./policies.js";
import { dataRoutes } from "../https/data-routes.js";
import type { Operation, Route } from "./router.js";
import type { ApiService } from "./signature.js";
import * as streams from "./streams.js";
import * as tags from "./tags.js";
import * as groups from "./thing-groups.js";
import * as types from "./thing-types.js";
import * as things from "./things.js";
import * as rules from "./topic-rules.js";

/** Every operation that this cloud has, with AWS's name, method and path (API models of `iot`, `iot-data`, `iot-jobs-data`). */
export const routes: readonly Route[] = [
  ...dataRoutes,
  ...iot({
    DescribeEndpoint: ["GET /endpoint", endpoints.describeEndpoint],
    TagResource: ["POST /tags", tags.tagResource],
    UntagResource: ["POST /untag", tags.untagResource],
    ListTagsForResource: ["GET /tags", tags.listTagsForResource],

    RegisterThing: ["POST /things", templates.registerThing],
    CreateThing: ["POST /things/{thingName}", things.createThing],
    DescribeThing: ["GET /things/{thingName}", things.describeThing],
    UpdateThing: ["PATCH /things/{thingName}", things.updateThing],
    DeleteThing: ["DELETE /things/{thingName}", things.deleteThing],
    ListThings: ["GET /things", things.listThings],
    AttachThingPrincipal: [
      "PUT /things/{thingName}/principals",
      things.attachThingPrincipal,
    ],
    DetachThingPrincipal: [
      "DELETE /things/{thingName}/principals",
      things.detachThingPrincipal,
    ],
    ListThingPrincipals: [
      "GET /things/{thingName}/principals",
      things.listThingPrincipals,
    ],
    ListThingPrincipalsV2: [
      "GET /things/{thingName}/principals-v2",
      things.listThingPrincipalsV2,
    ],
    ListPrincipalThings: ["GET /principals/things", things.listPrincipalThings],
    ListPrincipalThingsV2: [
      "GET /principals/things-v2",
      things.listPrincipalThingsV2,
    ],

    CreateThingType: [
      "POST /thing-types/{thingTypeName}",
      types.createThingType,
    ],
    DescribeThingType: [
      "GET /thing-types/{thingTypeName}",
      types.describeThingType,
    ],
    UpdateThingType: [
      "PATCH /thing-types/{thingTypeName}",
      types.updateThingType,
    ],
    DeprecateThingType: [
      "POST /thing-types/{thingTypeName}/deprecate",
      types.deprecateThingType,
    ],
    DeleteThingType: [
      "DELETE /thing-types/{thingTypeName}",
      types.deleteThingType,
    ],
    ListThingTypes: ["GET /thing-types", types.listThingTypes],

    CreateThingGroup: [
      "POST /thing-groups/{thingGroupName}",
      groups.createThingGroup,
    ],
    DescribeThingGroup: [
      "GET /thing-groups/{thingGroupName}",
      groups.describeThingGroup,
    ],
    UpdateThingGroup: [
      "PATCH /thing-groups/{thingGroupName}",
      groups.updateThingGroup,
    ],
    DeleteThingGroup: [
      "DELETE /thing-groups/{thingGroupName}",
      groups.deleteThingGroup,
    ],
    ListThingGroups: ["GET /thing-groups", groups.listThingGroups],
    AddThingToThingGroup: [
      "PUT /thing-groups/addThingToThingGroup",
      groups.addThingToThingGroup,
    ],
    RemoveThingFromThingGroup: [
      "PUT /thing-groups/removeThingFromThingGroup",
      groups.removeThingFromThingGroup,
    ],
    UpdateThingGroupsForThing: [
      "PUT /thing-groups/updateThingGroupsForThing",
      groups.updateThingGroupsForThing,
    ],
    ListThingsInThingGroup: [
      "GET /thing-groups/{thingGroupName}/things",
      groups.listThingsInThingGroup,
    ],
    ListThingGroupsForThing: [
      "GET /things/{thingName}/thing-groups",
      groups.listThingGroupsForThing,
    ],

    CreateBillingGroup: [
      "POST /billing-groups/{billingGroupName}",
      billingGroups.createBillingGroup,
    ],
    DescribeBillingGroup: [
      "GET /billing-groups/{billingGroupName}",
      billingGroups.describeBillingGroup,
    ],
    DeleteBillingGroup: [
      "DELETE /billing-groups/{billingGroupName}",
      billingGroups.deleteBillingGroup,
    ],
    ListBillingGroups: ["GET /billing-groups", billingGroups.listBillingGroups],
    AddThingToBillingGroup: [
      "PUT /billing-groups/addThingToBillingGroup",
      billingGroups.addThingToBillingGroup,
    ],
    RemoveThingFromBillingGroup: [
      "PUT /billing-groups/removeThingFromBillingGroup",
      billingGroups.removeThingFromBillingGroup,
    ],
    ListThingsInBillingGroup: [
      "GET /billing-groups/{billingGroupName}/things",
      billingGroups.listThingsInBillingGroup,
    ],

    CreateKeysAndCertificate: [
      "POST /keys-and-certificate",
      certificates.createKeysAndCertificate,
    ],
    CreateCertificateFromCsr: [
      "POST /certificates",
      certificates.createCertificateFromCsr,
    ],
    RegisterCertificate: [
      "POST /certificate/register",
      certificates.registerCertificate,
    ],
    RegisterCertificateWithoutCA: [
      "POST /certificate/register-no-ca",
      certificates.registerCertificateWithoutCA,
    ],
    DescribeCertificate: [
      "GET /certificates/{certificateId}",
      certificates.describeCertificate,
    ],
    UpdateCertificate: [
      "PUT /certificates/{certificateId}",
      certificates.updateCertificate,
    ],
    DeleteCertificate: [
      "DELETE /certificates/{certificateId}",
      certificates.deleteCertificate,
    ],
    ListCertificates: ["GET /certificates", certificates.listCertificates],
    ListCertificatesByCA: [
      "GET /certificates-by-ca/{caCertificateId}",
      certificates.listCertificatesByCA,
    ],
    TransferCertificate: [
      "PATCH /transfer-certificate/{certificateId}",
      certificates.transferCertificate,
    ],
    CancelCertificateTransfer: [
      "PATCH /cancel-certificate-transfer/{certificateId}",
      certificates.cancelCertificateTransfer,
    ],

    GetRegistrationCode: [
      "GET /registrationcode",
      authorities.getRegistrationCode,
    ],
    RegisterCACertificate: [
      "POST /cacertificate",
      authorities.registerCACertificate,
    ],
    DescribeCACertificate: [
      "GET /cacertificate/{certificateId}",
      authorities.describeCACertificate,
    ],
    UpdateCACertificate: [
      "PUT /cacertificate/{certificateId}",
      authorities.updateCACertificate,
    ],
    DeleteCACertificate: [
      "DELETE /cacertificate/{certificateId}",
      authorities.deleteCACertificate,
    ],
    ListCACertificates: ["GET /cacertificates", authorities.listCACertificates],

    CreatePolicy: ["POST /policies/{policyName}", policies.createPolicy],
    GetPolicy: ["GET /policies/{policyName}", policies.getPolicy],
    DeletePolicy: ["DELETE /policies/{policyName}", policies.deletePolicy],
    ListPolicies: ["GET /policies", policies.listPolicies],
    CreatePolicyVersion: [
      "POST /policies/{policyName}/version",
      policies.createPolicyVersion,
    ],
    GetPolicyVersion: [
      "GET /policies/{policyName}/version/{policyVersionId}",
      policies.getPolicyVersion,
    ],
    ListPolicyVersions: [
      "GET /policies/{policyName}/version",
      policies.listPolicyVersions,
    ],
    SetDefaultPolicyVersion: [
      "PATCH /policies/{policyName}/version/{policyVersionId}",
      policies.setDefaultPolicyVersion,
    ],
    DeletePolicyVersion: [
      "DELETE /policies/{policyName}/version/{policyVersionId}",
      policies.deletePolicyVersion,
    ],
    AttachPolicy: ["PUT /target-policies/{policyName}", policies.attachPolicy],
    DetachPolicy: ["POST /target-policies/{policyName}", policies.detachPolicy],
    ListAttachedPolicies: [
      "POST /attached-policies/{target}",
      policies.listAttachedPolicies,
    ],
    ListTargetsForPolicy: [
      "POST /policy-targets/{policyName}",
      policies.listTargetsForPolicy,
    ],
    AttachPrincipalPolicy: [
      "PUT /principal-policies/{policyName}",
      policies.attachPrincipalPolicy,
    ],
    DetachPrincipalPolicy: [
      "DELETE /principal-policies/{policyName}",
      policies.detachPrincipalPolicy,
    ],
    ListPrincipalPolicies: [
      "GET /principal-policies",
      policies.listPrincipalPolicies,
    ],
    ListPolicyPrincipals: [
      "GET /policy-principals",
      policies.listPolicyPrincipals,
    ],
    GetEffectivePolicies: [
      "POST /effective-policies",
      authorization.getEffectivePolicies,
    ],
    TestAuthorization: [
      "POST /test-authorization",
      authorization.testAuthorization,
    ],

    CreateJob: ["PUT /jobs/{jobId}", jobs.createJob],
    DescribeJob: ["GET /jobs/{jobId}", jobs.describeJob],
    UpdateJob: ["PATCH /jobs/{jobId}", jobs.updateJob],
    ListJobs: ["GET /jobs", jobs.listJobs],
    CancelJob: ["PUT /jobs/{jobId}/cancel", jobs.cancelJob],
    DeleteJob: ["DELETE /jobs/{jobId}", jobs.deleteJob],
    GetJobDocument: ["GET /jobs/{jobId}/job-document", jobs.getJobDocument],
    AssociateTargetsWithJob: [
      "POST /jobs/{jobId}/targets",
      jobs.associateTargetsWithJob,
    ],
    CreateJobTemplate: [
      "PUT /job-templates/{jobTemplateId}",
      jobTemplates.createJobTemplate,
    ],
    DescribeJobTemplate: [
      "GET /job-templates/{jobTemplateId}",
      jobTemplates.describeJobTemplate,
    ],
    ListJobTemplates: ["GET /job-templates", jobTemplates.listJobTemplates],
    DeleteJobTemplate: [
      "DELETE /job-templates/{jobTemplateId}",
      jobTemplates.deleteJobTemplate,
    ],
    DescribeJobExecution: [
      "GET /things/{thingName}/jobs/{jobId}",
      jobs.describeJobExecution,
    ],
    CancelJobExecution: [
      "PUT /things/{thingName}/jobs/{jobId}/cancel",
      jobs.cancelJobExecution,
    ],
    DeleteJobExecution: [
      "DELETE /things/{thingName}/jobs/{jobId}/executionNumber/{executionNumber}",
      jobs.deleteJobExecution,
    ],
    ListJobExecutionsForThing: [
      "GET /things/{thingName}/jobs",
      jobs.listJobExecutionsForThing,
    ],
    ListJobExecutionsForJob: [
      "GET /jobs/{jobId}/things",
      jobs.listJobExecutionsForJob,
    ],

    CreateProvisioningTemplate: [
      "POST /provisioning-templates",
      templates.createProvisioningTemplate,
    ],
    DescribeProvisioningTemplate: [
      "GET /provisioning-templates/{templateName}",
      templates.describeProvisioningTemplate,
    ],
    UpdateProvisioningTemplate: [
      "PATCH /provisioning-templates/{templateName}",
      templates.updateProvisioningTemplate,
    ],
    DeleteProvisioningTemplate: [
      "DELETE /provisioning-templates/{templateName}",
      templates.deleteProvisioningTemplate,
    ],
    ListProvisioningTemplates: [
      "GET /provisioning-templates",
      templates.listProvisioningTemplates,
    ],
    CreateProvisioningTemplateVersion: [
      "POST /provisioning-templates/{templateName}/versions",
      templates.createProvisioningTemplateVersion,
    ],
    DescribeProvisioningTemplateVersion: [
      "GET /provisioning-templates/{templateName}/versions/{versionId}",
      templates.describeProvisioningTemplateVersion,
    ],
    ListProvisioningTemplateVersions: [
      "GET /provisioning-templates/{templateName}/versions",
      templates.listProvisioningTemplateVersions,
    ],
    DeleteProvisioningTemplateVersion: [
      "DELETE /provisioning-templates/{templateName}/versions/{versionId}",
      templates.deleteProvisioningTemplateVersion,
    ],

    CreateProvisioningClaim: [
      "POST /provisioning-templates/{templateName}/provisioning-claim",
      templates.createProvisioningClaim,
    ],

    DescribeEventConfigurations: [
      "GET /event-configurations",
      events.describeEventConfigurations,
    ],
    UpdateEventConfigurations: [
      "PATCH /event-configurations",
      events.updateEventConfigurations,
    ],

    CreateStream: ["POST /streams/{streamId}", streams.createStream],
    DescribeStream: ["GET /streams/{streamId}", streams.describeStream],
    UpdateStream: ["PUT /streams/{streamId}", streams.updateStream],
    DeleteStream: ["DELETE /streams/{streamId}", streams.deleteStream],
    ListStreams: ["GET /streams", streams.listStreams],

    CreateOTAUpdate: [
      "POST /otaUpdates/{otaUpdateId}",
      updates.createOTAUpdate,
    ],
    GetOTAUpdate: ["GET /otaUpdates/{otaUpdateId}", updates.getOTAUpdate],
    ListOTAUpdates: ["GET /otaUpdates", updates.listOTAUpdates],
    DeleteOTAUpdate: [
      "DELETE /otaUpdates/{otaUpdateId}",
      updates.deleteOTAUpdate,
    ],

    CreateCommand: ["PUT /commands/{commandId}", commands.createCommand],
    GetCommand: ["GET /commands/{commandId}", commands.getCommand],
    UpdateCommand: ["PATCH /commands/{commandId}", commands.updateCommand],
    DeleteCommand: ["DELETE /commands/{commandId}", commands.deleteCommand],
    ListCommands: ["GET /commands", commands.listCommands],
    GetCommandExecution: [
      "GET /command-executions/{executionId}",
      commands.getCommandExecution,
    ],
    DeleteCommandExecution: [
      "DELETE /command-executions/{executionId}",
      commands.deleteCommandExecution,
    ],
    ListCommandExecutions: [
      "POST /command-executions",
      commands.listCommandExecutions,
    ],

    CreateTopicRule: ["POST /rules/{ruleName}", rules.createTopicRule],
    GetTopicRule: ["GET /rules/{ruleName}", rules.getTopicRule],
    ReplaceTopicRule: ["PATCH /rules/{ruleName}", rules.replaceTopicRule],
    DeleteTopicRule: ["DELETE /rules/{ruleName}", rules.deleteTopicRule],
    ListTopicRules: ["GET /rules", rules.listTopicRules],
    EnableTopicRule: ["POST /rules/{ruleName}/enable", rules.enableTopicRule],
    DisableTopicRule: [
      "POST /rules/{ruleName}/disable",
      rules.disableTopicRule,
    ],
  }),
];

/** Operations of the control plane, by name. */
function iot(table: Record<string, [string, Operation]>): Route[] {
  return operations("iot", table);
}

function operations(
  service: ApiService,
  table: Record<string, [string, Operation]>,
): Route[] {
  return Object.entries(table).map(([name, [call, operation]]) => {
    const [method = "", path = ""] = call.split(" ");
    return { service, name, method, path, operation };
  });
}
