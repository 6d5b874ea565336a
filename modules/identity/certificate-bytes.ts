/** Certificates as bytes: PEM becomes its UTF-8, DER is taken as it is. */
export function bytesOf(
  certificates: string | ArrayBuffer | Uint8Array,
): ArrayBuffer | Uint8Array {
  return typeof certificates === "string"
    ? ArrayBuffer.fromString(certificates)
    : certificates;
}
