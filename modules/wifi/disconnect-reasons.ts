import type { FailureCode } from "../system/failures.js";

/** Signals below this, in dBm, are too weak for a handshake more often than not. */
export const weakSignal = -85;

/**
 * What each reason means to the node's owner. Codes below 200 are IEEE 802.11's (table 9-49), those above ESP-IDF's
 * (`wifi_err_reason_t`); ESP-IDF's Wi-Fi guide tells when each occurs. Those not listed say only that it failed.
 */
const meanings: Record<number, FailureCode> = {
  2: "wifi.kicked", // authentication expired
  3: "wifi.kicked", // the access point deauthenticates the station
  4: "wifi.kicked", // inactive
  5: "wifi.full",
  6: "wifi.kicked", // the access point restarted and knows the station no more
  7: "wifi.kicked",
  8: "wifi.kicked",
  9: "wifi.kicked",
  13: "wifi.security", // invalid information element
  15: "wifi.wrong-password", // the four-way handshake ran out of time
  17: "wifi.security",
  18: "wifi.security",
  19: "wifi.security",
  20: "wifi.security",
  21: "wifi.security",
  22: "wifi.security",
  23: "wifi.wrong-password", // 802.1X
  24: "wifi.security",
  29: "wifi.security",
  46: "wifi.full", // access limits
  200: "wifi.lost", // no beacons any more
  201: "wifi.not-found",
  202: "wifi.wrong-password", // authentication failed: WPA3, or a list of MAC addresses
  203: "wifi.refused",
  204: "wifi.wrong-password", // the handshake ran out of time
  206: "wifi.lost", // the access point restarted
  208: "wifi.full", // come back later
  210: "wifi.security", // none with a compatible security
  211: "wifi.security", // none that is secure enough
  212: "wifi.too-weak",
};

/** Failures that a weak signal explains as well. */
const mayBeWeakness: FailureCode[] = [
  "wifi.wrong-password",
  "wifi.kicked",
  "wifi.lost",
  "wifi.refused",
  "wifi.failed",
];

/**
 * The failure that a reason stands for.
 *
 * @param RSSI of the access point when it was last heard, in dBm
 */
export function meaningOf(
  reason: number,
  RSSI: number | undefined,
): FailureCode {
  const code = meanings[reason] ?? "wifi.failed";
  const weak = RSSI !== undefined && RSSI < weakSignal;
  return weak && mayBeWeakness.includes(code) ? "wifi.too-weak" : code;
}
