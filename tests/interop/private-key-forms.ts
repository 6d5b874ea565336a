import type { KeyObject } from "node:crypto";

/** A form in which a private key, or a part of it, could lie about. */
export interface SecretForm {
  name: string;
  bytes: Buffer;
  /** One that the TLS library needs while a session is open: the numbers themselves, as it holds numbers. */
  isNumber: boolean;
}

/** The numbers of a private key that nobody may know. */
function secretNumbers(key: KeyObject): [string, Buffer][] {
  const jwk = key.export({ format: "jwk" }) as Record<string, string>;
  const names =
    key.asymmetricKeyType === "rsa" ? ["d", "p", "q", "dp", "dq", "qi"] : ["d"];
  return names.map((name) => [name, Buffer.from(jwk[name], "base64url")]);
}

/** A form cut into pieces, so that a part of it is found too: each begins four bytes after the one before. */
function pieces(name: string, whole: Buffer, length: number, isNumber = false) {
  const made: SecretForm[] = [];
  for (let at = 0; at + length <= whole.length; at += 4)
    made.push({
      name: `${name}, from byte ${at}`,
      bytes: whole.subarray(at, at + length),
      isNumber,
    });
  return made;
}

/**
 * Everything of a private key to look for: each secret number, first byte first and last byte first, as hexadecimal, and
 * as it stands in the Base64 of PEM, in pieces of eight bytes.
 */
export function secretForms(key: KeyObject): SecretForm[] {
  const own = key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1";
  const encodings = ["pkcs8", own].map((type) =>
    key.export({ type: type as "pkcs8", format: "der" }),
  );
  return secretNumbers(key).flatMap(([name, number]) => [
    ...pieces(name, number, 8, true),
    ...pieces(`${name} reversed`, Buffer.from(number).reverse(), 8, true),
    ...pieces(`${name} in hexadecimal`, text(number.toString("hex")), 16),
    ...pieces(
      `${name} in HEXADECIMAL`,
      text(number.toString("hex").toUpperCase()),
      16,
    ),
    ...encodings.flatMap((der) => {
      const from = der.indexOf(number);
      // Three bytes are four letters: those of the number alone.
      const letters = der
        .toString("base64")
        .slice(
          Math.ceil(from / 3) * 4,
          Math.floor((from + number.length) / 3) * 4,
        );
      return pieces(`${name} in PEM`, text(letters), 12);
    }),
  ]);
}

const text = (letters: string): Buffer => Buffer.from(letters, "latin1");
