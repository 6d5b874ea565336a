import {
  Certificates,
  type CertificateRecord,
  type CertificateStatus,
} from "../registry/certificates.js";
import { generateKeyPair, rsaKeysToPem } from "../certificates/key-pair.js";
import { account } from "../names.js";
import { ServiceError } from "../service-error.js";
import type { ApiRequest } from "./api-request.js";
import type { ApiServices } from "./api-services.js";
import { oneOf, optional, seconds } from "./members.js";
import { page } from "./page.js";
import type { Operation } from "./router.js";

/** CreateKeysAndCertificate: an RSA key, as AWS makes it; this answer is the only place it is ever in. */
export const createKeysAndCertificate: Operation = async (
  request,
  services,
) => {
  const pair = await generateKeyPair("RSA-2048");
  const pem = await services.authority.issueForKey(pair.publicKey);
  return {
    ...added(request, services, pem),
    keyPair: await rsaKeysToPem(pair),
  };
};

/** CreateCertificateFromCsr. */
export const createCertificateFromCsr: Operation = async (
  request,
  services,
) => {
  const csr = request.text("certificateSigningRequest");
  let pem: string;
  try {
    pem = await services.authority.issueForRequest(csr);
  } catch (error) {
    throw new ServiceError(
      "InvalidRequestException",
      `The certificate signing request cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return added(request, services, pem);
};

/** RegisterCertificate: one that a registered authority signed. */
export const registerCertificate: Operation = (request, { registry }) => {
  const pem = request.text("certificatePem");
  const authority = registry.issuerOf(pem);
  if (!authority)
    throw new ServiceError(
      "CertificateValidationException",
      "The certificate is not signed by a CA certificate that is registered and ACTIVE. RegisterCertificateWithoutCA takes any.",
    );
  const status = request.queryFlag("setAsActive") ? "ACTIVE" : "INACTIVE";
  return named(
    registry.certificates.register(pem, statusOf(request) ?? status, {
      caCertificateId: authority.certificateId,
      certificateMode: authority.certificateMode,
    }),
  );
};

/** RegisterCertificateWithoutCA: whoever signed it. */
export const registerCertificateWithoutCA: Operation = (
  request,
  { registry },
) =>
  named(
    registry.certificates.register(
      request.text("certificatePem"),
      statusOf(request) ?? "INACTIVE",
      { certificateMode: "SNI_ONLY" },
    ),
  );

/** DescribeCertificate. */
export const describeCertificate: Operation = (request, { registry }) => {
  const record = registry.certificates.describe(request.label("certificateId"));
  return {
    certificateDescription: {
      ...entry(record),
      ...optional("caCertificateId", record.caCertificateId),
      certificatePem: record.certificatePem,
      ownedBy: account,
      lastModifiedDate: seconds(record.lastModifiedDate),
      customerVersion: record.customerVersion,
      transferData: {},
      generationId: record.certificateId.slice(0, 32),
      validity: {
        notBefore: seconds(record.notBefore),
        notAfter: seconds(record.notAfter),
      },
    },
  };
};

/** UpdateCertificate. */
export const updateCertificate: Operation = (request, { registry }) => {
  const status = oneOf("newStatus", request.query("newStatus"), statuses);
  if (status === undefined)
    throw new ServiceError(
      "InvalidRequestException",
      "1 validation error detected: Value null at 'newStatus' failed to satisfy constraint: Member must not be null",
    );
  registry.certificates.setStatus(request.label("certificateId"), status);
};

/** DeleteCertificate. */
export const deleteCertificate: Operation = (request, { registry }) => {
  registry.deleteCertificate(
    request.label("certificateId"),
    request.queryFlag("forceDelete"),
  );
};

/** ListCertificates. */
export const listCertificates: Operation = (request, { registry }) =>
  list(request, registry.certificates.list());

/** ListCertificatesByCA. */
export const listCertificatesByCA: Operation = (request, { registry }) => {
  const id = request.label("caCertificateId");
  return list(
    request,
    registry.certificates.list().filter((c) => c.caCertificateId === id),
  );
};

/** TransferCertificate: there is no other account here, so the offer stays open until it is taken back. */
export const transferCertificate: Operation = (request, { registry }) => {
  const id = request.label("certificateId");
  registry.certificates.setTransfer(id, true);
  return { transferredCertificateArn: Certificates.arn(id) };
};

/** CancelCertificateTransfer. */
export const cancelCertificateTransfer: Operation = (request, { registry }) => {
  registry.certificates.setTransfer(request.label("certificateId"), false);
};

const statuses = [
  "ACTIVE",
  "INACTIVE",
  "REVOKED",
  "PENDING_TRANSFER",
  "REGISTER_INACTIVE",
  "PENDING_ACTIVATION",
] as const satisfies readonly CertificateStatus[];

function statusOf(request: ApiRequest): CertificateStatus | undefined {
  return oneOf("status", request.optionalText("status"), statuses);
}

function added(
  request: ApiRequest,
  { registry }: ApiServices,
  pem: string,
): object {
  const status = request.queryFlag("setAsActive") ? "ACTIVE" : "INACTIVE";
  return {
    ...named(registry.certificates.add(pem, status)),
    certificatePem: pem,
  };
}

function named({ certificateId }: CertificateRecord): object {
  return { certificateArn: Certificates.arn(certificateId), certificateId };
}

function entry(record: CertificateRecord): object {
  return {
    ...named(record),
    status: record.status,
    certificateMode: record.certificateMode,
    creationDate: seconds(record.creationDate),
  };
}

function list(request: ApiRequest, records: CertificateRecord[]): object {
  return page(
    request,
    "marker",
    "certificates",
    records,
    ({ certificateId }) => certificateId,
    entry,
  );
}
