import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  checkDates,
  isAuthority,
  kindOf,
  nameOf,
} from "./certificate-check.js";
import { doubtful, good, wrong, type Finding } from "./finding.js";
import { root } from "./project.js";

/** The roots that stand in the firmware for AWS's endpoints. */
const amazonRoots = (): X509Certificate[] =>
  ["amazon-root-ca-1.pem", "amazon-root-ca-3.pem"].map(
    (name) => new X509Certificate(readFileSync(join(root, "certs", name))),
  );

const getAmazonRoots =
  "AWS's roots are Amazon Root CA 1 and 3 (certs/); without --trust the node uses those of its firmware.";

/** What an endpoint's name tells of the service behind it. */
type EndpointKind =
  "aws-ats" | "aws-legacy" | "aws-other" | "local-cloud" | "other";

function endpointKind(host: string): EndpointKind {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (/^[a-z0-9]+-ats\.iot\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(name))
    return "aws-ats";
  if (/^[a-z0-9]+\.iot\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(name))
    return "aws-legacy";
  if (/(^|\.)amazonaws\.com(\.cn)?$/.test(name)) return "aws-other";
  if (/\.iot\.[a-z0-9-]+\.localhost$/.test(name)) return "local-cloud";
  return "other";
}

const isAmazons = (one: X509Certificate): boolean =>
  /CN=Amazon Root CA \d/.test(one.subject);
const isLocalClouds = (one: X509Certificate): boolean =>
  /CN=Fieldnode Local Root CA/.test(one.subject);

/** Whether each root can be one. */
export function checkRoots(
  roots: readonly X509Certificate[],
  now: number,
): Finding[] {
  return roots.flatMap((one) => {
    const name = nameOf(one);
    if (!isAuthority(one))
      return [
        wrong(
          `${name} is no certificate of an authority, so it cannot be trusted as a root.`,
          "Give the root of the endpoint with --trust.",
        ),
      ];
    const { name: kind, flaw } = kindOf(one.publicKey);
    if (flaw)
      return [
        wrong(`The root ${name}, ${kind}, ${flaw}.`, "Use a newer root."),
      ];
    const own =
      one.subject === one.issuer
        ? []
        : [
            doubtful(
              `${name} is an intermediate: a node that trusts it alone is lost when the server gets another.`,
              "Trust the root above it.",
            ),
          ];
    return [...own, ...checkDates(one, now)];
  });
}

/**
 * Whether the roots are those of an endpoint, as far as its name tells.
 *
 * @param host the endpoint's name, without a port
 * @param roots undefined when none are given, so that the firmware's are used where it has any
 */
export function checkEndpoint(
  host: string,
  roots: readonly X509Certificate[] | undefined,
): Finding[] {
  switch (endpointKind(host)) {
    case "aws-ats":
      return checkAmazon(host, roots);
    case "aws-legacy":
      return [
        wrong(
          `${host} is AWS's legacy endpoint (iot:Data), whose chain ends at VeriSign Class 3 Public Primary CA - G5; AWS gives it up.`,
          `Use the -ats endpoint: aws iot describe-endpoint --endpoint-type iot:Data-ATS. ${getAmazonRoots}`,
        ),
      ];
    case "aws-other":
      return [
        wrong(
          `${host} is a service of AWS, but not IoT Core's endpoint for devices.`,
          "aws iot describe-endpoint --endpoint-type iot:Data-ATS prints it.",
        ),
      ];
    case "local-cloud":
      return checkLocal(host, roots);
    case "other":
      return checkOther(host, roots);
  }
}

function checkAmazon(
  host: string,
  roots: readonly X509Certificate[] | undefined,
): Finding[] {
  if (!roots) return [good(`${host} is AWS's; the firmware has its roots.`)];
  const genuine = amazonRoots().filter((known) =>
    roots.some((one) => one.raw.equals(known.raw)),
  );
  if (genuine.length === 2)
    return [good(`The roots are those of AWS's endpoint ${host}.`)];
  if (genuine.length === 1)
    return [
      doubtful(
        `Only ${nameOf(genuine[0])} is trusted: AWS shows one of two chains, by the cipher suite.`,
        getAmazonRoots,
      ),
    ];
  if (roots.some(isAmazons))
    return [
      wrong(
        `None of the roots is one that AWS uses for ${host}, though their names say Amazon.`,
        getAmazonRoots,
      ),
    ];
  return [wrong(`None of the roots is AWS's, but ${host} is.`, getAmazonRoots)];
}

function checkLocal(
  host: string,
  roots: readonly X509Certificate[] | undefined,
): Finding[] {
  const todo =
    "Give root-ca.pem, which npm run provision writes, with --trust.";
  if (!roots)
    return [
      wrong(`${host} is a local cloud, whose root no firmware has.`, todo),
    ];
  return roots.some(isLocalClouds)
    ? [good(`The roots are those of a local cloud, as ${host} is.`)]
    : [
        wrong(
          `${host} is a local cloud, but none of the roots is one's.`,
          todo,
        ),
      ];
}

function checkOther(
  host: string,
  roots: readonly X509Certificate[] | undefined,
): Finding[] {
  if (!roots)
    return [
      wrong(
        `The firmware has no root for ${host}.`,
        "Give the root of its certificate with --trust.",
      ),
    ];
  return roots.every(isAmazons)
    ? [
        doubtful(
          `Only AWS's roots are trusted, but ${host} is not below amazonaws.com.`,
          "If it is no custom domain of AWS IoT, give the root of its own certificate.",
        ),
      ]
    : [];
}
