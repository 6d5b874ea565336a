import type { Choices } from "../choices.js";
import { limits } from "../limits.js";
import { RateLimits } from "../mqtt/rate-limits.js";
import type { PayloadMap } from "../services/payload.js";
import type { Store } from "../store.js";
import {
  difference,
  mergeSection,
  restamp,
  sections,
  stamp,
  type ShadowMetadata,
  type ShadowState,
} from "./document.js";
import { checkUpdate, clientTokenOf } from "./request.js";
import { ShadowError } from "./shadow-error.js";

/** Which shadow: a thing's classic one, or one of its named ones. The thing need not be in the registry. */
export interface ShadowId {
  readonly thingName: string;
  readonly shadowName?: string;
}

/** A shadow as it is kept. One that was deleted leaves its version. */
interface ShadowRecord {
  readonly state: ShadowState;
  readonly metadata: ShadowMetadata;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly deletedAt?: number;
}

/** What a request is answered with; every answer tells a version. */
export interface ShadowAnswer extends PayloadMap {
  readonly version: number;
}

/** The messages that an update leads to, in AWS's keys. */
export interface ShadowChange {
  readonly accepted: ShadowAnswer;
  /** Only when what is desired differs from what is reported. */
  readonly delta?: PayloadMap;
  readonly documents?: PayloadMap;
}

const thingPattern = /^[a-zA-Z0-9:_-]{1,128}$/;
const shadowPattern = /^[$a-zA-Z0-9:_-]{1,64}$/;
/** Milliseconds that the version of a deleted shadow is remembered: 48 hours. */
const versionMemory = 48 * 3_600_000;
const nothing: ShadowRecord = { state: {}, metadata: {}, version: 0 };

/** The shadows of all things (AWS, "Device Shadow service"). What comes back is safe in the store. */
export class Shadows {
  readonly #store: Store;
  readonly #choices: Choices;
  readonly #now: () => number;
  readonly #rates: RateLimits;

  /** @param now milliseconds since 1970 */
  constructor(store: Store, choices: Choices, now: () => number = Date.now) {
    this.#store = store;
    this.#choices = choices;
    this.#now = now;
    this.#rates = new RateLimits(choices.shadowRate, choices.shadowRate);
  }

  /** The whole document. @throws ShadowError */
  get(id: ShadowId, request: PayloadMap): ShadowAnswer {
    const clientToken = clientTokenOf(request);
    this.#admit(id);
    const { state, metadata, version } = this.#find(id);
    const delta = difference(state, metadata);
    return {
      state: { ...state, ...(delta && { delta: delta.state }) },
      metadata: { ...metadata },
      version,
      timestamp: this.#seconds,
      clientToken,
    };
  }

  /** Merges an update into the document. @throws ShadowError */
  update(id: ShadowId, request: PayloadMap): ShadowChange {
    const { patch, version, clientToken } = checkUpdate(
      request,
      this.#choices.shadowNesting,
    );
    this.#admit(id);
    const timestamp = this.#seconds;
    return this.#store.transaction(() => {
      const previous = this.#record(id);
      if (version !== undefined && version !== previous.version)
        throw new ShadowError(409, "Version conflict");
      const current = merge(previous, patch, timestamp);
      this.#put(id, current);
      const answer = { version: current.version, timestamp, clientToken };
      const delta = difference(current.state, current.metadata);
      const unchanged =
        JSON.stringify(previous.state) === JSON.stringify(current.state);
      return {
        accepted: {
          state: { ...patch },
          metadata: Object.fromEntries(
            sections.flatMap((section) => {
              const change = patch[section];
              return change ? [[section, stamp(change, timestamp)]] : [];
            }),
          ),
          ...answer,
        },
        ...(delta && { delta: { ...answer, ...delta } }),
        ...((!unchanged || this.#choices.unchangedShadowDocuments) && {
          documents: {
            previous: snapshot(previous),
            current: snapshot(current),
            timestamp,
            clientToken,
          },
        }),
      };
    });
  }

  /** Deletes the document; its version is remembered for 48 hours. @throws ShadowError */
  delete(id: ShadowId, request: PayloadMap): ShadowAnswer {
    const clientToken = clientTokenOf(request);
    this.#admit(id);
    return this.#store.transaction(() => {
      const { version } = this.#find(id);
      this.#put(id, { ...nothing, version, deletedAt: this.#now() });
      return { version, timestamp: this.#seconds, clientToken };
    });
  }

  /**
   * Names of a thing's named shadows, one page of them.
   * @param after the last name of the page before
   * @throws ShadowError
   */
  list(
    thingName: string,
    pageSize: number,
    after = "",
  ): { results: string[]; timestamp: number; nextToken?: string } {
    assertName(thingPattern, thingName, "thing");
    const results: string[] = [];
    const range = this.#store.shadows.getRange({
      start: [thingName, `${after}\u0001`],
      end: [thingName, "\uffff"],
    });
    for (const { key, value } of range) {
      if ((JSON.parse(value as string) as ShadowRecord).deletedAt) continue;
      results.push((key as [string, string])[1]);
      if (results.length > pageSize) break;
    }
    const more = results.length > pageSize;
    if (more) results.pop();
    return {
      results,
      timestamp: this.#seconds,
      ...(more && { nextToken: results.at(-1)! }),
    };
  }

  get #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }

  #admit({ thingName, shadowName }: ShadowId): void {
    assertName(thingPattern, thingName, "thing");
    if (shadowName !== undefined)
      assertName(shadowPattern, shadowName, "shadow");
    if (!this.#rates.take(`${thingName}/${shadowName ?? ""}`))
      throw new ShadowError(
        429,
        `More than ${this.#choices.shadowRate} requests a second for one shadow`,
      );
  }

  /** The shadow, also one that was deleted; a version that is too old to be remembered is forgotten. */
  #record(id: ShadowId): ShadowRecord {
    const text = this.#store.shadows.get(keyOf(id)) as string | undefined;
    if (text === undefined) return nothing;
    const record = JSON.parse(text) as ShadowRecord;
    return record.deletedAt !== undefined &&
      this.#now() - record.deletedAt >= versionMemory
      ? nothing
      : record;
  }

  #find(id: ShadowId): ShadowRecord {
    const record = this.#record(id);
    if (record.version === 0 || record.deletedAt !== undefined)
      throw new ShadowError(
        404,
        `No shadow exists with name: '${id.shadowName ?? id.thingName}'`,
      );
    return record;
  }

  /** As JSON: the store's own format would change keys such as `__proto__`. */
  #put(id: ShadowId, record: ShadowRecord): void {
    this.#store.shadows.putSync(keyOf(id), JSON.stringify(record));
  }
}

function merge(
  previous: ShadowRecord,
  patch: { desired?: PayloadMap | null; reported?: PayloadMap | null },
  timestamp: number,
): ShadowRecord {
  const state: Record<string, PayloadMap> = {};
  const metadata: Record<string, PayloadMap> = {};
  for (const section of sections) {
    const merged = mergeSection(previous.state[section], patch[section]);
    if (!merged) continue;
    state[section] = merged;
    metadata[section] =
      restamp(merged, previous.metadata[section], patch[section], timestamp) ??
      {};
  }
  if (Buffer.byteLength(JSON.stringify(state)) > limits.shadowDocument)
    throw new ShadowError(413, "The payload exceeds the maximum size allowed");
  return { state, metadata, version: previous.version + 1 };
}

function snapshot({ state, metadata, version }: ShadowRecord): PayloadMap {
  return { state: { ...state }, metadata: { ...metadata }, version };
}

function keyOf({ thingName, shadowName }: ShadowId): string[] {
  return [thingName, shadowName ?? ""];
}

function assertName(pattern: RegExp, name: string, what: string): void {
  if (!pattern.test(name))
    throw new ShadowError(400, `Invalid ${what} name: '${name}'`);
}
