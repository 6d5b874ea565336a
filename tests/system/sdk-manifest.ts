import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { root } from "../../simulator/commands/project.js";

type Sources = string | string[];

/** The parts of a manifest that decide what is built (documentation/tools/manifest.md of the Moddable SDK). */
interface Section {
  include?: Sources;
  modules?: Record<string, Sources>;
  build?: Record<string, string>;
}

interface Manifest extends Section {
  platforms?: Partial<Record<string, Section>>;
}

/** What mcconfig makes of this repository's manifests on one platform; the SDK's own manifests are only named. */
export class SdkManifest {
  /** Files of the repository that are built, by module specifier; several files may share one (a .ts and its .c). */
  readonly files = new Map<string, string[]>();
  /** Specifiers whose source is the SDK's. */
  readonly external = new Set<string>();
  /** Manifests of the SDK that are included, as they are written. */
  readonly includes: string[] = [];
  /** Files that the wildcards find and the platform leaves out. */
  readonly excluded: string[] = [];
  /** Folders and files that are named and do not exist. */
  readonly missing: string[] = [];
  readonly #platform: string;

  /** @param platform as for `mcconfig -p`: `lin`, `esp32`, `esp32/esp32c3` … */
  constructor(platform: string) {
    this.#platform = platform;
    this.#read(join(root, "manifest.json"));
  }

  /** Every file of the repository that is built, relative to it. */
  get sources(): string[] {
    return [...this.files.values()].flat().sort();
  }

  #read(path: string): void {
    const manifest = JSON.parse(readFileSync(path, "utf8")) as Manifest;
    const own = this.#section(manifest.platforms);
    for (const section of [manifest, own])
      for (const include of list(section.include))
        if (!include.startsWith(".")) this.includes.push(include);
        else if (existsSync(resolve(dirname(path), include)))
          this.#read(resolve(dirname(path), include));
        else this.missing.push(include);
    const leftOut = [manifest, own].flatMap((section) =>
      this.#match(dirname(path), list(section.modules?.["~"])),
    );
    this.excluded.push(...leftOut);
    for (const section of [manifest, own])
      for (const [target, sources] of Object.entries(section.modules ?? {}))
        if (target !== "~")
          this.#add(dirname(path), target, list(sources), leftOut);
  }

  /** One section only: the platform's own, or its parent's, or the one for all others. */
  #section(platforms: Partial<Record<string, Section>> = {}): Section {
    const parent = this.#platform.split("/")[0];
    return (
      platforms[this.#platform] ?? platforms[parent] ?? platforms["..."] ?? {}
    );
  }

  #add(
    folder: string,
    target: string,
    sources: string[],
    leftOut: string[],
  ): void {
    for (const source of sources) {
      if (source.startsWith("$(")) {
        if (!target.endsWith("*")) this.external.add(target);
        continue;
      }
      for (const file of this.#match(folder, [source])) {
        if (leftOut.includes(file)) continue;
        const specifier = target.endsWith("*")
          ? target.slice(0, -1) + nameOf(file)
          : target;
        this.files.set(specifier, [...(this.files.get(specifier) ?? []), file]);
      }
    }
  }

  /** A source is a path without ending, or with `*` for every file of a folder. */
  #match(folder: string, sources: string[]): string[] {
    return sources.flatMap((source) => {
      const path = resolve(folder, source);
      const name = basename(path);
      const found = existsSync(dirname(path))
        ? readdirSync(dirname(path), { withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => join(dirname(path), entry.name))
            .filter((file) => name === "*" || nameOf(file) === name)
            .map((file) => relative(root, file))
        : [];
      if (found.length === 0) this.missing.push(source);
      return found;
    });
  }
}

const list = (value: Sources | undefined): string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

/** File name without its ending; declarations end in `.d.ts`. */
const nameOf = (file: string): string =>
  basename(file).replace(/(\.d)?\.[a-z]+$/, "");
