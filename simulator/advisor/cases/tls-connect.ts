import { mqttAlpn } from "../../cloud/tls/tls-listener.js";
import type { TestCase } from "../test-case.js";
import type { Trial } from "../trial.js";
import { fail, pass, warn, type Verdict } from "../verdict.js";

/** The first handshake must be through; alerts of level "warning" on the way, or an ALPN name that IoT Core has no use for, are told. */
async function handshake(trial: Trial): Promise<Verdict> {
  const { secured, refused, wire, hello } = await trial.expect(
    "a TLS handshake",
    () => trial.connections.find((one) => one.secured ?? one.refused),
  );
  if (!secured) return fail(`No handshake: ${refused?.reason ?? "?"}.`);
  const warnings = [
    ...(wire?.received.alerts ?? []),
    ...(wire?.sent.alerts ?? []),
  ].filter(({ level }) => level === "warning");
  if (warnings.length > 0)
    return warn(
      `Warning alerts on the way: ${warnings.map(({ description }) => description).join(", ")}.`,
    );
  if (hello?.alpn && !hello.alpn.includes(mqttAlpn))
    return warn(
      `ALPN ${hello.alpn.join(", ")} without ${mqttAlpn}: on port 443 no client certificate would be looked at.`,
    );
  return pass(`${secured.version}, ${secured.suite}.`);
}

export const tlsConnect: TestCase = {
  number: "T1",
  id: "TLS_Connect",
  group: "TLS",
  title: "completes the handshake",
  required: true,
  timeout: 120,
  scale: 1,
  run: handshake,
};

export const tlsLargeCertificate: TestCase = {
  number: "T4",
  id: "TLS_Large_Size_Server_Cert",
  group: "TLS",
  title: "completes it with a server certificate 20 % larger",
  required: true,
  certificate: "large",
  timeout: 120,
  scale: 1,
  run: handshake,
};
