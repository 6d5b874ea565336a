/** A decoder of CBOR (RFC 8949) for tests: integers, texts, lists, maps, and decimal fractions. */
export function decodeCBOR(bytes: Uint8Array): unknown {
  let at = 0;
  const argumentOf = (info: number): number => {
    if (info < 24) return info;
    let value = 0;
    for (let rest = 2 ** (info - 24); rest > 0; rest--)
      value = value * 256 + bytes[at++];
    return value;
  };
  const next = (): unknown => {
    const first = bytes[at++];
    const info = first & 31;
    switch (first >> 5) {
      case 0:
        return argumentOf(info);
      case 1:
        return -1 - argumentOf(info);
      case 3: {
        const length = argumentOf(info);
        at += length;
        return String.fromArrayBuffer(bytes.slice(at - length, at).buffer);
      }
      case 4: {
        const list: unknown[] = [];
        if (info === 31) {
          while (bytes[at] !== 0xff) list.push(next());
          at++;
        } else
          for (let rest = argumentOf(info); rest > 0; rest--) list.push(next());
        return list;
      }
      case 5: {
        const map: Record<string, unknown> = {};
        for (let rest = argumentOf(info); rest > 0; rest--)
          map[next() as string] = next();
        return map;
      }
      case 6: {
        if (argumentOf(info) !== 4) throw new Error("a tag other than 4");
        const [exponent, mantissa] = next() as [number, number];
        return Number(`${mantissa}e${exponent}`);
      }
      default:
        throw new Error(`byte ${first} at ${at - 1}`);
    }
  };
  const value = next();
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes behind`);
  return value;
}
