import {
  isMap,
  type PayloadMap,
  type PayloadValue,
} from "../services/payload.js";

/** The two sections of a shadow; one without any value is left out. */
export interface ShadowState {
  readonly desired?: PayloadMap;
  readonly reported?: PayloadMap;
}

/** The tree of `{ timestamp }` (seconds) that mirrors a section: one at each value, one object for each element of a list. */
export type Metadata = PayloadMap;

/** Metadata of both sections. */
export type ShadowMetadata = ShadowState;

/** What an update asks for: null drops a section, or the value under a key. */
export interface StatePatch {
  readonly desired?: PayloadMap | null;
  readonly reported?: PayloadMap | null;
}

/** The sections that a shadow keeps; whatever else stands under `state` is ignored. */
export const sections = ["desired", "reported"] as const;

/** Merges a patch into one section: keys are merged level by level, null deletes, lists are replaced whole. */
export function mergeSection(
  known: PayloadMap | undefined,
  patch: PayloadMap | null | undefined,
): PayloadMap | undefined {
  if (patch === undefined) return known;
  if (patch === null) return undefined;
  const merged = mergeMaps(known, patch);
  return Object.keys(merged).length === 0 ? undefined : merged;
}

/** Keys come from strangers, `__proto__` too: `Object.fromEntries` makes plain properties of all of them. */
function mergeMaps(known: PayloadMap | undefined, patch: PayloadMap) {
  const entries = new Map(Object.entries(known ?? {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined) {
      entries.delete(key);
      continue;
    }
    const before = entries.get(key);
    entries.set(
      key,
      isMap(value) ? mergeMaps(isMap(before) ? before : {}, value) : value,
    );
  }
  return Object.fromEntries(entries);
}

/** Metadata of every value in `state`, all of one moment; what a patch deletes (null) has none. */
export function stamp(state: PayloadMap, timestamp: number): Metadata {
  return Object.fromEntries(
    Object.entries(state)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) => [key, stampValue(value ?? null, timestamp)]),
  );
}

function stampValue(value: PayloadValue, timestamp: number): PayloadValue {
  if (isMap(value)) return stamp(value, timestamp);
  if (isList(value)) return value.map((item) => stampValue(item, timestamp));
  return { timestamp };
}

/**
 * Metadata after an update: values of the patch get the new stamp, all others keep theirs.
 * @param state the section after the update, which says what is still there
 */
export function restamp(
  state: PayloadMap | undefined,
  known: Metadata | undefined,
  patch: PayloadMap | null | undefined,
  timestamp: number,
): Metadata | undefined {
  if (state === undefined) return undefined;
  if (patch === undefined || patch === null) return known;
  return Object.fromEntries(
    Object.entries(state).map(([key, value]) => {
      const before = own(known, key);
      const change = own(patch, key);
      if (change === undefined || value === undefined) return [key, before];
      if (isMap(value) && isMap(change))
        return [
          key,
          restamp(value, isMap(before) ? before : {}, change, timestamp),
        ];
      return [key, stampValue(value, timestamp)];
    }),
  );
}

/** What is desired and not, or not so, reported: bare leaves below their whole path, lists whole. */
export function difference(
  { desired, reported }: ShadowState,
  metadata: ShadowMetadata,
): { state: PayloadMap; metadata: Metadata } | undefined {
  return desired && differ(desired, reported ?? {}, metadata.desired ?? {});
}

function differ(
  desired: PayloadMap,
  reported: PayloadMap,
  metadata: Metadata,
): { state: PayloadMap; metadata: Metadata } | undefined {
  const state: [string, PayloadValue][] = [];
  const stamps: [string, PayloadValue][] = [];
  for (const [key, wanted] of Object.entries(desired)) {
    if (wanted === undefined) continue;
    const actual = own(reported, key);
    const stampOfKey = own(metadata, key) ?? {};
    if (isMap(wanted) && isMap(actual)) {
      const inner = differ(wanted, actual, isMap(stampOfKey) ? stampOfKey : {});
      if (!inner) continue;
      state.push([key, inner.state]);
      stamps.push([key, inner.metadata]);
    } else if (!isSame(wanted, actual)) {
      state.push([key, wanted]);
      stamps.push([key, stampOfKey]);
    }
  }
  return state.length === 0
    ? undefined
    : {
        state: Object.fromEntries(state),
        metadata: Object.fromEntries(stamps),
      };
}

/** Whether two values are the same, whatever the order of their keys. */
function isSame(a: PayloadValue, b: PayloadValue | undefined): boolean {
  if (isList(a))
    return (
      isList(b) &&
      a.length === b.length &&
      a.every((item, index) => isSame(item, b[index]))
    );
  if (isMap(a)) {
    if (!isMap(b)) return false;
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => isSame(a[key] ?? null, own(b, key)))
    );
  }
  return a === b;
}

/** Levels of keys in a section: 1 for `{ a: 1 }`, 2 for `{ a: { b: 1 } }`; a list adds none. */
export function levels(value: PayloadValue | undefined): number {
  if (isMap(value)) {
    const inner = Object.values(value).map((item) => 1 + levels(item));
    return Math.max(0, ...inner);
  }
  return isList(value) ? Math.max(0, ...value.map(levels)) : 0;
}

/** Whether null stands anywhere inside a list: null means "delete", which a list that is replaced whole cannot. */
export function hasNullInList(
  value: PayloadValue | undefined,
  inList = false,
): boolean {
  if (value === null) return inList;
  if (isList(value)) return value.some((item) => hasNullInList(item, true));
  return (
    isMap(value) &&
    Object.values(value).some((item) => hasNullInList(item, inList))
  );
}

function isList(
  value: PayloadValue | undefined,
): value is readonly PayloadValue[] {
  return Array.isArray(value);
}

/** The value under a key of the map itself, never one that it inherits. */
function own(
  map: PayloadMap | undefined,
  key: string,
): PayloadValue | undefined {
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}
