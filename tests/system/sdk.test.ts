import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { root } from "../../simulator/commands/project.js";
import { SdkManifest } from "./sdk-manifest.js";

const platforms = [
  "lin",
  "esp32",
  "esp32/esp32c3",
  "esp32/esp32s3",
  "esp32/esp32c6",
];

/** What the SDK's own manifests that ours include give to import, as far as the firmware uses it. */
const provided: Record<string, string[]> = {
  "examples/manifest_base.json": ["timer", "time", "mc/config"],
  "modules/io/manifest.json": [
    "embedded:io/socket/tcp",
    "embedded:io/socket/udp",
  ],
  "modules/io/manifest.json, esp32": [
    "embedded:network/interface/wifi",
    "embedded:provider/builtin",
  ],
  "modules/io/storage/manifest.json": ["embedded:storage/key-value"],
  "modules/io/flash/manifest.json": ["embedded:storage/flash"],
  "examples/io/udp/dns/manifest_dns.json": [
    "embedded:network/dns/resolver/udp",
  ],
  "examples/io/udp/ntp/manifest_ntp.json": ["embedded:network/ntp/client"],
  "modules/drivers/sensors/bmp280/manifest.json": [
    "embedded:sensor/Barometer-Temperature/BMP280",
  ],
  "modules/drivers/sensors/sht3x/manifest.json": [
    "embedded:sensor/Humidity-Temperature/SHT3x",
  ],
};

const firmware = [
  "main.ts",
  ...readdirSync(join(root, "modules"), { recursive: true, encoding: "utf8" })
    .map((file) => join("modules", file))
    .filter((file) => /\.(ts|c|h)$/.test(file) && !file.endsWith(".d.ts")),
].sort();

describe("the manifest for the Moddable SDK", () => {
  for (const platform of platforms) {
    const manifest = new SdkManifest(platform);

    test(`builds every source of the firmware on ${platform}`, () => {
      assert.deepEqual(
        firmware.filter((file) => !manifest.sources.includes(file)),
        firmware.filter((file) => manifest.excluded.includes(file)),
      );
    });

    test(`names nothing that does not exist on ${platform}`, () => {
      assert.deepEqual(manifest.missing, []);
    });

    test(`provides every module the firmware imports on ${platform}`, () => {
      const known = new Set([...manifest.files.keys(), ...manifest.external]);
      for (const include of manifest.includes) {
        const name = include.replace("$(MODDABLE)/", "");
        for (const key of [name, `${name}, ${platform.split("/")[0]}`])
          for (const specifier of provided[key] ?? []) known.add(specifier);
      }
      const wanted = manifest.sources
        .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
        .flatMap((file) => imports(file, /[^".][^"]*/));
      assert.deepEqual(
        [...new Set(wanted)].filter((specifier) => !known.has(specifier)),
        [],
      );
    });

    test(`finds every module that another imports by its path on ${platform}`, () => {
      const known = new Set([...manifest.files.keys(), ...manifest.external]);
      const wrong: string[] = [];
      for (const [specifier, files] of manifest.files)
        for (const file of files.filter((one) => one.endsWith(".ts")))
          for (const path of imports(file, /\.[^"]*/)) {
            // As XS joins them: relative to the importer's specifier, wherever the files lie.
            const found = join(dirname(specifier), path).replace(/\.js$/, "");
            if (found === specifier || !known.has(found))
              wrong.push(`${specifier} does not find ${path}`);
          }
      assert.deepEqual(wrong, []);
    });

    test(`has no two C files of one name on ${platform}, for mcconfig keeps one`, () => {
      const names = manifest.sources
        .filter((file) => file.endsWith(".c"))
        .map((file) => basename(file));
      assert.deepEqual(
        names.filter((name, at) => names.indexOf(name) !== at),
        [],
      );
    });
  }

  test("keeps the firmware's code and tables out of RAM by preloading every module", () => {
    const { preload } = JSON.parse(text("manifest.json")) as {
      preload: string[];
    };
    const listed = preload.map((specifier) => `${specifier}.ts`);
    const modules = firmware.filter((file) =>
      /^modules.*(?<!-esp32)\.ts$/.test(file),
    );
    assert.deepEqual(
      {
        forgotten: modules.filter((file) => !listed.includes(file)),
        gone: listed.filter((file) => !modules.includes(file)),
      },
      { forgotten: [], gone: [] },
      "preload in manifest.json",
    );
  });

  test("leaves to each platform alone what only it has", () => {
    const [desktop, board] = ["lin", "esp32"].map(
      (platform) => new SdkManifest(platform).excluded,
    );
    assert.deepEqual(desktop, [
      "modules/identity/identity-flash-esp32.c",
      "modules/system/esp32/power-esp32.c",
      "modules/system/esp32/power-esp32.ts",
      "modules/wifi/esp32/station-interface-esp32.c",
      "modules/wifi/esp32/station-interface-esp32.ts",
    ]);
    assert.deepEqual(board, ["modules/identity/identity-flash-file.c"]);
  });

  test("sets every ESP-IDF option once, in the form that mcconfig merges", () => {
    const lines = ["sdkconfig.defaults", "sdkconfig.defaults.release"]
      .flatMap((name) => text("sdkconfig", name).split("\n"))
      .filter((line) => line !== "" && !line.startsWith("# "));
    assert.ok(lines.length > 0);
    for (const line of lines)
      assert.match(line, /^CONFIG_[A-Z0-9_]+=([yn]|\d+)$/);
    const names = lines.map((line) => line.split("=")[0]);
    assert.deepEqual(
      names.filter((name, at) => names.indexOf(name) !== at),
      [],
    );
  });

  test("has partitions that neither overlap nor leave 4 MB of flash", () => {
    const rows = text("partitions.csv")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split(",").map((cell) => cell.trim()))
      .map(([name, type, , offset, size]) => ({
        name,
        type,
        from: Number(offset),
        to: Number(offset) + Number(size),
      }))
      .sort((a, b) => a.from - b.from);
    const outbox = rows.find(({ name }) => name === "outbox")!;
    assert.match(
      text("simulator", "device", "modules", "flash-storage.ts"),
      new RegExp(`outbox: 0x${(outbox.to - outbox.from).toString(16)},`),
      "the simulator's partition is as large as a board's",
    );
    let end = 0x9000;
    for (const { name, type, from, to } of rows) {
      assert.ok(from >= end, `${name} begins inside the one before it`);
      assert.equal(from % (type === "app" ? 0x10000 : 0x1000), 0, name);
      end = to;
    }
    assert.ok(end <= 0x400000);
  });
});

const moddable = process.env.MODDABLE;

const skip =
  moddable === undefined ? "MODDABLE, the SDK's folder, is not set" : false;

describe("mcconfig", () => {
  const scratch = mkdtempSync(join(tmpdir(), "fieldnode-sdk-"));
  after(() => rmSync(scratch, { recursive: true, force: true }));

  test(
    "builds the firmware for the desktop",
    { skip, timeout: 600_000 },
    () => {
      const { made, output } = mcconfig("lin", ["-m", "-t", "build"]);
      const library = join(made("bin", "lin", "mc", "release"), "mc.so");
      assert.ok(existsSync(library), output);
      assert.ok(readFileSync(library).includes("TLS"));
    },
  );

  for (const platform of platforms.slice(1))
    test(`makes a makefile for ${platform}`, { skip, timeout: 60_000 }, () => {
      const { made, output } = mcconfig(platform, []);
      const folder = made("tmp", platform, "release");
      assert.ok(existsSync(join(folder, "makefile")), output);
      const makefile = readFileSync(join(folder, "makefile"), "utf8");
      const manifest = new SdkManifest(platform);
      for (const file of manifest.sources.filter((one) => one.endsWith(".c")))
        assert.ok(makefile.includes(join(root, file)), file);
      for (const specifier of manifest.files.keys())
        if (manifest.files.get(specifier)!.some((one) => /[^d]\.ts$/.test(one)))
          assert.ok(
            makefile.includes(`${specifier.replace(":", "/")}.xsb`),
            specifier,
          );
      for (const include of mbedtlsIncludes)
        assert.match(makefile, new RegExp(`-I\\S*/${include}/?\\\\?\\s`));
      assert.match(makefile, /^CREATION = \S+ \S*,main,16384$/m);

      const chip = basename(platform);
      const settings = readFileSync(
        join(folder, `xsProj-${chip}`, "sdkconfig.mc"),
        "utf8",
      ).split("\n");
      const wanted = ["sdkconfig.defaults", "sdkconfig.defaults.release"]
        .map((name) => text("sdkconfig", name))
        .join("\n");
      for (const line of wanted.split("\n")) {
        if (!line.startsWith("CONFIG_")) continue;
        const [name, value] = line.split("=") as [string, string];
        const found = settings.filter((one) => one.startsWith(`${name}=`));
        assert.ok(
          value === "n"
            ? found.every((one) => /=n?$/.test(one))
            : found.at(-1) === line,
          `${line} became ${found.join(" ")}`,
        );
      }
      const components = readFileSync(
        join(folder, "xs_idf_deps.txt"),
        "utf8",
      ).split(/[\s()]+/);
      for (const component of ["mbedtls", "nvs_flash", "esp_wifi"])
        assert.ok(components.includes(component), component);
      assert.equal(
        readFileSync(join(folder, `xsProj-${chip}`, "partitions.csv"), "utf8"),
        text("partitions.csv"),
      );
    });

  const mbedtlsIncludes = [
    "components/mbedtls/port/include",
    "components/mbedtls/port/psa_driver/include",
    "components/mbedtls/mbedtls/tf-psa-crypto/include",
    "components/mbedtls/mbedtls/tf-psa-crypto/drivers/builtin/include",
  ];

  /** Runs mcconfig; a makefile needs of ESP-IDF only that the folders are there. */
  function mcconfig(
    platform: string,
    options: string[],
  ): { made: (...path: string[]) => string; output: string } {
    const idf = join(scratch, "esp-idf");
    for (const folder of mbedtlsIncludes)
      mkdirSync(join(idf, folder), { recursive: true });
    const out = join(scratch, platform.replace("/", "-"));
    mkdirSync(out);
    const { status, stdout, stderr, error } = spawnSync(
      "mcconfig",
      [...options, "-p", platform, "-o", out],
      {
        cwd: root,
        encoding: "utf8",
        env: {
          ...process.env,
          IDF_PATH: idf,
          PATH: [
            join(moddable!, "build", "bin", "lin", "release"),
            join(root, "node_modules", ".bin"),
            process.env.PATH,
          ].join(":"),
        },
      },
    );
    const output = error ? error.message : `${stdout}\n${stderr}`;
    assert.equal(status, 0, output);
    return {
      made: (...path) => join(out, ...path, basename(root.replace(/\/$/, ""))),
      output,
    };
  }
});

/** A text file of the repository. */
function text(...path: string[]): string {
  return readFileSync(join(root, ...path), "utf8");
}

/** The specifiers of a certain form in a module's imports, but for those of types alone. */
function imports(file: string, form: RegExp): string[] {
  const pattern = `^(?:import|export)\\b[^"']*?from\\s+"(${form.source})";`;
  return [...text(file).matchAll(new RegExp(pattern, "gms"))]
    .filter(([statement]) => !statement.startsWith("import type"))
    .map(([, specifier]) => specifier);
}
