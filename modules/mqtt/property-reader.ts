import { packetName } from "./packet-types.js";
import {
  propertyRow,
  type Properties,
  type PropertyRow,
} from "./properties.js";
import { ProtocolError } from "./protocol-error.js";
import { decodeText, isWellFormed } from "./utf8.js";

const malformed = (rule: string) => new ProtocolError(0x81, rule);

/** A place in a packet, moved on by what is read. Allocated only for packets that do have properties. */
interface Place {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

/**
 * Reads a property length and the properties (MQTT 5, 2.2.2).
 *
 * @param type the packet that carries them
 * @param start where the property length stands
 * @param end where the packet, or the part of it that may hold properties, ends
 * @param list gets, as its `end`, where the properties end; without it they must end at `end`
 * @returns undefined when there are none
 * @throws ProtocolError: 0x81 for an unknown identifier, one this packet must not carry, or a value cut off; 0x82 for a
 *   property twice or a forbidden value; 0x94 for topic alias 0
 */
export function readProperties(
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  list?: { end: number },
): Properties | undefined {
  // By far the most packets have none, and then nothing is allocated.
  if (start < end && bytes[start] === 0) {
    if (list) list.end = start + 1;
    else if (start + 1 !== end)
      throw malformed(`bytes after the properties of ${packetName(type)}`);
    return undefined;
  }
  const length = { bytes, at: start, end };
  const size = readVariable(length);
  const place: Place = { bytes, at: length.at, end: length.at + size };
  if (place.end > end || (!list && place.end !== end))
    throw malformed(`a wrong property length in ${packetName(type)}`);
  if (list) list.end = place.end;

  const properties: Properties = {};
  while (place.at < place.end) {
    const identifier = readVariable(place);
    const row = propertyRow(identifier);
    if (!row) throw malformed(`unknown property ${identifier}`);
    if ((row.packets & (1 << type)) === 0)
      throw malformed(`${row.name} in ${packetName(type)}`);
    readProperty(place, row, properties);
  }
  return properties;
}

function readProperty(
  place: Place,
  row: PropertyRow,
  properties: Properties,
): void {
  if (row.type === "pair") {
    const name = readText(place, row.name);
    (properties.userProperties ??= []).push([name, readText(place, row.name)]);
    return;
  }
  const value = readValue(place, row);
  if (properties[row.name] !== undefined) {
    if (row.name !== "subscriptionIdentifier")
      throw new ProtocolError(0x82, `${row.name} more than once`);
    properties.subscriptionIdentifiers ??= [properties.subscriptionIdentifier!];
    properties.subscriptionIdentifiers.push(value as number);
    return;
  }
  // The row's type and the property's type belong together by the table.
  (properties as Record<string, unknown>)[row.name] = value;
}

function readValue(
  place: Place,
  row: PropertyRow,
): number | boolean | string | ArrayBuffer {
  switch (row.type) {
    case "text":
    case "pair":
      return readText(place, row.name);
    case "data": {
      const length = readNumber(place, 2);
      const from = advance(place, length);
      return place.bytes.slice(from, from + length).buffer;
    }
    default:
  }
  const number =
    row.type === "variable"
      ? readVariable(place)
      : readNumber(
          place,
          row.type === "uint16" ? 2 : row.type === "uint32" ? 4 : 1,
        );
  const limited = row.type === "flag" || row.type === "bit";
  if (number < row.least || (limited && number > 1))
    throw new ProtocolError(
      row.name === "topicAlias" ? 0x94 : 0x82,
      `${row.name} ${number}`,
    );
  return row.type === "flag" ? number === 1 : number;
}

function advance(place: Place, count: number): number {
  const from = place.at;
  place.at += count;
  if (place.at > place.end) throw malformed("a property is cut off");
  return from;
}

function readNumber(place: Place, count: number): number {
  let at = advance(place, count);
  let number = 0;
  while (at < place.at) number = number * 256 + place.bytes[at++];
  return number;
}

function readVariable(place: Place): number {
  let number = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = place.bytes[advance(place, 1)];
    number += (byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte === 0 && shift > 0)
        throw malformed("MQTT-1.5.5-1: a number in more bytes than needed");
      return number;
    }
  }
  throw malformed("a number of more than four bytes");
}

function readText(place: Place, name: string): string {
  const length = readNumber(place, 2);
  const from = advance(place, length);
  if (!isWellFormed(place.bytes, from, place.at))
    throw malformed(`MQTT-1.5.4-1: ${name} is no UTF-8`);
  return decodeText(place.bytes, from, place.at);
}
