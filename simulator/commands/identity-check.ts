import type { KeyObject, X509Certificate } from "node:crypto";
import { checkCertificates, kindOf } from "./certificate-check.js";
import { ExpectedError } from "./expected-error.js";
import { good, wrong, type Finding } from "./finding.js";
import {
  readCertificates,
  readKey,
  type IdentityFiles,
} from "./identity-input.js";
import { checkEndpoint, checkRoots } from "./trust-check.js";

/** What a node's identity is made of, as far as the files could be read. */
export interface IdentityParts {
  readonly key?: KeyObject | undefined;
  readonly certificates?: X509Certificate[] | undefined;
  readonly roots?: X509Certificate[] | undefined;
}

/** What was read, and what is to be said about it. */
export interface CheckedIdentity extends IdentityParts {
  readonly findings: readonly Finding[];
}

/**
 * Reads a node's identity and looks at everything that would keep it from connecting: whether the key fits the
 * certificate, kinds and sizes of keys, dates, signatures, usages, the chain, the roots. A file that cannot be read is a
 * finding too.
 *
 * @param now ms since 1970
 */
export function checkIdentity(
  files: IdentityFiles,
  now = Date.now(),
): CheckedIdentity {
  const findings: Finding[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      findings.push({ grade: "error", what: error.message });
      return undefined;
    }
  };
  const key = attempt(() => readKey(files.key));
  const certificates = attempt(() => readCertificates("--cert", files.cert));
  const { trust } = files;
  const roots =
    trust === undefined
      ? undefined
      : attempt(() => readCertificates("--trust", trust));

  if (key) findings.push(checkKey(key));
  if (key && certificates)
    findings.push(
      certificates[0].checkPrivateKey(key)
        ? good("The key belongs to the certificate.")
        : wrong(
            `The key ${files.key} does not belong to the certificate ${files.cert}.`,
            "Use the two that were made together.",
          ),
    );
  if (certificates) findings.push(...checkCertificates(certificates, now));
  if (roots) findings.push(...checkRoots(roots, now));
  return { key, certificates, roots, findings };
}

function checkKey(key: KeyObject): Finding {
  const { name, flaw } = kindOf(key);
  return flaw
    ? wrong(
        `The key, ${name}, ${flaw}.`,
        "Have a certificate issued for an EC key on P-256.",
      )
    : good(`The key is ${name}.`);
}

/** The same for an endpoint: HOST or HOST:PORT. */
export const checkFor = (
  endpoint: string,
  { trust }: IdentityFiles,
  { roots }: IdentityParts,
): Finding[] =>
  trust !== undefined && !roots
    ? []
    : checkEndpoint(endpoint.replace(/:\d+$/, ""), roots);
