import { arn } from "../names.js";
import { ServiceError } from "../service-error.js";
import { invalid, requireText } from "../services/input.js";
import type { Store } from "../store.js";
import { parseTemplate } from "./template-language.js";

/** A function that decides about each device before it is provisioned. */
export interface PreProvisioningHook {
  readonly payloadVersion?: string;
  readonly targetArn: string;
}

/** What `CreateProvisioningTemplate` takes, in AWS's keys. */
export interface CreateTemplateInput {
  readonly templateName: string;
  readonly templateBody: string;
  readonly description?: string;
  readonly enabled?: boolean;
  readonly provisioningRoleArn: string;
  readonly preProvisioningHook?: PreProvisioningHook;
  readonly type?: "FLEET_PROVISIONING" | "JITP";
}

/** What `UpdateProvisioningTemplate` takes. */
export interface UpdateTemplateInput {
  readonly description?: string;
  readonly enabled?: boolean;
  readonly defaultVersionId?: number;
  readonly provisioningRoleArn?: string;
  readonly preProvisioningHook?: PreProvisioningHook;
  readonly removePreProvisioningHook?: boolean;
}

/** A template as it is kept. Times are milliseconds since 1970. */
interface TemplateRecord {
  readonly templateName: string;
  readonly description?: string;
  readonly enabled: boolean;
  readonly provisioningRoleArn: string;
  readonly preProvisioningHook?: PreProvisioningHook;
  readonly type: "FLEET_PROVISIONING" | "JITP";
  readonly versions: readonly TemplateVersion[];
  readonly defaultVersionId: number;
  readonly nextVersion: number;
  readonly creationDate: number;
  readonly lastModifiedDate: number;
}

interface TemplateVersion {
  readonly versionId: number;
  readonly body: string;
  readonly creationDate: number;
}

const namePattern = /^[0-9A-Za-z_-]{1,36}$/;
/** Versions of one template. */
const versionLimit = 5;

/**
 * Provisioning templates with their versions (AWS, "Provisioning templates"). Input and output have AWS's keys; times that
 * come out are seconds since 1970.
 */
export class Templates {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws ServiceError InvalidRequestException, ResourceAlreadyExistsException */
  create(input: CreateTemplateInput): {
    templateArn: string;
    templateName: string;
    defaultVersionId: number;
  } {
    const templateName = requireText(
      input.templateName,
      "templateName",
      namePattern,
    );
    const type = requireText(
      input.type ?? "FLEET_PROVISIONING",
      "type",
      /^(FLEET_PROVISIONING|JITP)$/,
    ) as TemplateRecord["type"];
    requireText(
      input.provisioningRoleArn,
      "provisioningRoleArn",
      /^.{20,2048}$/,
    );
    parseTemplate(input.templateBody);
    const now = Date.now();
    return this.#store.transaction(() => {
      if (this.#store.templates.get(templateName))
        throw new ServiceError(
          "ResourceAlreadyExistsException",
          `Provisioning template ${templateName} already exists`,
        );
      const { description, preProvisioningHook } = input;
      this.#put({
        templateName,
        ...(description !== undefined && { description }),
        enabled: input.enabled ?? false,
        provisioningRoleArn: input.provisioningRoleArn,
        ...(preProvisioningHook && { preProvisioningHook }),
        type,
        versions: [
          { versionId: 1, body: input.templateBody, creationDate: now },
        ],
        defaultVersionId: 1,
        nextVersion: 2,
        creationDate: now,
        lastModifiedDate: now,
      });
      return {
        templateArn: templateArn(templateName),
        templateName,
        defaultVersionId: 1,
      };
    });
  }

  /** DescribeProvisioningTemplate. @throws ServiceError ResourceNotFoundException */
  describe(templateName: string) {
    const record = this.#find(templateName);
    const { description, preProvisioningHook } = record;
    return {
      templateArn: templateArn(templateName),
      templateName,
      ...(description !== undefined && { description }),
      creationDate: record.creationDate / 1000,
      lastModifiedDate: record.lastModifiedDate / 1000,
      defaultVersionId: record.defaultVersionId,
      templateBody: versionOf(record, record.defaultVersionId).body,
      enabled: record.enabled,
      provisioningRoleArn: record.provisioningRoleArn,
      ...(preProvisioningHook && { preProvisioningHook }),
      type: record.type,
    };
  }

  /** Every template, as `describe` tells it. */
  list(): ReturnType<Templates["describe"]>[] {
    return [...this.#store.templates.getKeys()].map((key) =>
      this.describe(key as string),
    );
  }

  /** @throws ServiceError */
  update(templateName: string, input: UpdateTemplateInput): void {
    this.#store.transaction(() => {
      const record = this.#find(templateName);
      const { defaultVersionId, removePreProvisioningHook, ...changes } = input;
      if (defaultVersionId !== undefined) versionOf(record, defaultVersionId);
      const { preProvisioningHook: hook, ...rest } = record;
      this.#put({
        ...rest,
        ...(hook &&
          !removePreProvisioningHook && {
            preProvisioningHook: hook,
          }),
        ...Object.fromEntries(
          Object.entries<unknown>(changes).filter(
            ([, value]) => value !== undefined,
          ),
        ),
        ...(defaultVersionId !== undefined && { defaultVersionId }),
        lastModifiedDate: Date.now(),
      });
    });
  }

  /** @throws ServiceError DeleteConflictException while it has other versions than the default */
  delete(templateName: string): void {
    this.#store.transaction(() => {
      if (this.#find(templateName).versions.length > 1)
        throw new ServiceError(
          "DeleteConflictException",
          `Template ${templateName} has versions other than the default one`,
        );
      this.#store.templates.removeSync(templateName);
    });
  }

  /** @throws ServiceError VersionsLimitExceededException, InvalidRequestException */
  createVersion(
    templateName: string,
    templateBody: string,
    setAsDefault = false,
  ) {
    parseTemplate(templateBody);
    return this.#store.transaction(() => {
      const record = this.#find(templateName);
      if (record.versions.length >= versionLimit)
        throw new ServiceError(
          "VersionsLimitExceededException",
          `Template ${templateName} has ${versionLimit} versions already`,
        );
      const versionId = record.nextVersion;
      const now = Date.now();
      this.#put({
        ...record,
        versions: [
          ...record.versions,
          { versionId, body: templateBody, creationDate: now },
        ],
        ...(setAsDefault && { defaultVersionId: versionId }),
        nextVersion: versionId + 1,
        lastModifiedDate: now,
      });
      return {
        templateArn: templateArn(templateName),
        templateName,
        versionId,
        isDefaultVersion: setAsDefault,
      };
    });
  }

  /** @throws ServiceError ResourceNotFoundException */
  describeVersion(templateName: string, versionId: number) {
    const record = this.#find(templateName);
    const { body, creationDate } = versionOf(record, versionId);
    return {
      versionId,
      creationDate: creationDate / 1000,
      templateBody: body,
      isDefaultVersion: versionId === record.defaultVersionId,
    };
  }

  /** Every version of a template, as `describeVersion` tells it. @throws ServiceError */
  listVersions(templateName: string) {
    return this.#find(templateName).versions.map(({ versionId }) =>
      this.describeVersion(templateName, versionId),
    );
  }

  /** @throws ServiceError DeleteConflictException for the default version */
  deleteVersion(templateName: string, versionId: number): void {
    this.#store.transaction(() => {
      const record = this.#find(templateName);
      versionOf(record, versionId);
      if (versionId === record.defaultVersionId)
        throw new ServiceError(
          "DeleteConflictException",
          "The default version of a template cannot be deleted",
        );
      this.#put({
        ...record,
        versions: record.versions.filter(
          (item) => item.versionId !== versionId,
        ),
      });
    });
  }

  #find(templateName: string): TemplateRecord {
    if (!namePattern.test(templateName)) invalid("templateName is invalid.");
    const record = this.#store.templates.get(templateName);
    if (!record)
      throw new ServiceError(
        "ResourceNotFoundException",
        `Provisioning template ${templateName} not found`,
      );
    return record as TemplateRecord;
  }

  #put(record: TemplateRecord): void {
    this.#store.templates.putSync(record.templateName, record);
  }
}

/** ARN of a template. */
export function templateArn(templateName: string): string {
  return arn(`provisioningtemplate/${templateName}`);
}

function versionOf(record: TemplateRecord, versionId: number): TemplateVersion {
  const version = record.versions.find((item) => item.versionId === versionId);
  if (!version)
    throw new ServiceError(
      "ResourceNotFoundException",
      `Version ${versionId} of template ${record.templateName} not found`,
    );
  return version;
}
