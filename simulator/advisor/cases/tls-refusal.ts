import type { CertificateKind } from "../endpoint/server-credentials.js";
import type { TestCase } from "../test-case.js";
import { fail, pass, warn } from "../verdict.js";

/** A certificate that the device must not accept. */
function refusal(
  number: string,
  id: string,
  title: string,
  certificate: CertificateKind,
  needsAlert: boolean,
): TestCase {
  return {
    number,
    id,
    group: "TLS",
    title,
    required: true,
    certificate,
    timeout: 120,
    scale: 1,
    async run(trial) {
      const connection = await trial.expect("a TLS handshake", () =>
        trial.connections.find((one) => one.secured ?? one.refused),
      );
      if (connection.secured) {
        const connect = await trial.within(
          5,
          () => connection.connect ?? connection.ended,
        );
        return fail(
          `It completed the handshake${connect && "packet" in connect ? " and sent CONNECT" : ""}.`,
        );
      }
      const { reason, alert } = connection.refused!;
      if (!connection.hello || alert === "unrecognized_name")
        return fail(`It never came to the certificate: ${reason}.`);
      if (alert === undefined && needsAlert)
        return warn("It closed without an alert that says why.");
      return pass(`It refused: ${reason}.`);
    },
  };
}

export const tlsUnknownRoot = refusal(
  "T5",
  "TLS_Unsecure_Server_Cert",
  "refuses a server certificate that no trusted root has signed",
  "unknown-root",
  false,
);

export const tlsWrongName = refusal(
  "T6",
  "TLS_Incorrect_Subject_Name_Server_Cert",
  "refuses a server certificate for another name",
  "wrong-name",
  false,
);

export const tlsExpired = refusal(
  "T7",
  "TLS_Expired_Server_Cert",
  "refuses an expired server certificate, with an alert",
  "expired",
  true,
);
