import type { CertificateKind } from "./endpoint/server-credentials.js";
import type { Trial } from "./trial.js";
import type { Verdict } from "./verdict.js";

/** Groups as Device Advisor's documentation has them. */
export type Group =
  | "TLS"
  | "MQTT"
  | "Shadow"
  | "Job execution"
  | "Permissions and policies"
  | "MQTT long duration";

/** One case of Device Advisor. */
export interface TestCase {
  /** Our short name for the command line: `M3`. */
  readonly number: string;
  /** AWS's id of the test, or of the scenario in a long duration test. */
  readonly id: string;
  readonly group: Group;
  /** What it checks, for the table. */
  readonly title: string;
  /** Part of AWS's Device Qualification Program. */
  readonly required?: true;
  /** Kind of scenario, of long duration tests only. */
  readonly scenario?: "Basic" | "Advanced";
  /** What the endpoint shows; its good certificate unless given. */
  readonly certificate?: CertificateKind;
  /** Seconds of the device's time until the case is given up. */
  readonly timeout: number;
  /** How many times faster time may run without the machine's own slowness being taken for the device's. */
  readonly scale: number;
  /** Seconds that the machine may be late without the verdict being in doubt; 1 unless given. */
  readonly tolerance?: number;
  run(trial: Trial): Promise<Verdict>;
}
