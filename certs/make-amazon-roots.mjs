/**
 * Writes modules/identity/amazon-roots.c from the two PEM files beside this script: node certs/make-amazon-roots.mjs
 *
 * The firmware holds the roots as DER in flash and parses them where they lie, so they cost no RAM.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const sources = ["amazon-root-ca-1.pem", "amazon-root-ca-3.pem"];

const parts = sources.map((name) => {
  const certificate = new X509Certificate(
    readFileSync(new URL(name, import.meta.url)),
  );
  const bytes = [...certificate.raw].map(
    (byte) => `0x${byte.toString(16).padStart(2, "0")}`,
  );
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16)
    lines.push(`\t${bytes.slice(at, at + 16).join(", ")},`);
  return `\t/* ${certificate.subject.replaceAll("\n", ", ")}; SHA-256 ${certificate.fingerprint256.replaceAll(":", "").toLowerCase()} */\n${lines.join("\n")}\n`;
});

writeFileSync(
  new URL("../modules/identity/amazon-roots.c", import.meta.url),
  `/* Written by certs/make-amazon-roots.mjs from certs/amazon-root-ca-1.pem and -3.pem. */
#include "amazon-roots.h"

const unsigned char amazon_roots[] = {
${parts.join("")}};

const size_t amazon_roots_length = sizeof amazon_roots;
`,
);
