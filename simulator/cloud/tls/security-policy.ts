import type { SecureVersion } from "node:tls";

/** TLS versions and suites that an endpoint accepts, as AWS names the set. */
export interface SecurityPolicy {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** OpenSSL names, the server's preference first. */
  readonly suites: readonly string[];
}

const tls13 = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
];

const tls12 = [
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-SHA256",
  "ECDHE-RSA-AES128-SHA",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES128-SHA256",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-SHA384",
  "ECDHE-RSA-AES256-SHA",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES256-SHA384",
  "ECDHE-ECDSA-AES256-SHA",
  "AES128-GCM-SHA256",
  "AES128-SHA256",
  "AES128-SHA",
  "AES256-GCM-SHA384",
  "AES256-SHA256",
  "AES256-SHA",
];

/** AWS IoT's security policies (Developer Guide, "Transport security in AWS IoT Core"). */
export const securityPolicies = {
  IoTSecurityPolicy_TLS13_1_3_2022_10: {
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    suites: tls13,
  },
  IoTSecurityPolicy_TLS13_1_2_2022_10: {
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    suites: [...tls13, ...tls12],
  },
  IoTSecurityPolicy_TLS12_1_2_2022_10: {
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.2",
    suites: tls12,
  },
  IoTSecurityPolicy_TLS12_1_0_2015_01: {
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.2",
    suites: [...tls12, "DHE-RSA-AES256-SHA"],
  },
} as const satisfies Record<string, SecurityPolicy>;

/** Name of a security policy. */
export type SecurityPolicyName = keyof typeof securityPolicies;

/** What new endpoints have. */
export const defaultSecurityPolicy: SecurityPolicyName =
  "IoTSecurityPolicy_TLS13_1_2_2022_10";
