import assert from "node:assert/strict";
import { test } from "node:test";
import { ESLint } from "eslint";
import { root } from "../../simulator/commands/project.js";

/**
 * The traps of XS's Native API that only the SDK's compiler falls into, and the walls between the rooms: both are lint
 * rules, so each has to be shown to catch what it is there for.
 */
const eslint = new ESLint({
  cwd: root,
  overrideConfig: {
    files: ["**/*.ts"],
    languageOptions: {
      parserOptions: { project: null, programs: null, projectService: false },
    },
  },
  // Rules that need types cannot judge a text that is no file of the project.
  ruleFilter: ({ ruleId }) =>
    ["no-restricted-syntax", "no-restricted-imports"].includes(ruleId),
});

async function messages(code: string, filePath: string): Promise<string[]> {
  const [{ messages: found }] = await eslint.lintText(code, { filePath });
  return found.map(({ message }) => message);
}

const traps: Record<string, string> = {
  "a native kept in a constant": 'const read = native("xs_read");',
  "a native with a computed name": 'export const a = () => native("xs_" + 1);',
  "an async method that is a native":
    'class A { async read() { return native("xs_read").call(this); } }',
  "default parameters beside a native":
    'class A { read(count = 1) { return native("xs_read").call(this, count); } }',
  "a native constructor that would lose its fields":
    'class A extends Native("xs_a") { #x = 1; constructor(o) { super(); native("xs_open").call(this, o); } }',
  "a local called native": "const native = 1;",
  "a parameter called Native": "function f(Native) { return Native; }",
  "a for await at a module's top level": "for await (const a of b) a();",
};

for (const [name, code] of Object.entries(traps))
  test(`lint refuses ${name}`, async () => {
    const found = await messages(code, "modules/system/sample.ts");
    assert.equal(found.length, 1, found.join("\n"));
  });

test("lint takes the one form of a native that is right everywhere", async () => {
  assert.deepEqual(
    await messages(
      'class A extends Native("xs_a") { #x = 1; constructor(o) { super(); this.#open(o); } #open(o) { native("xs_open").call(this, o); } read(n) { return native("xs_read").call(this, n); } }',
      "modules/system/sample.ts",
    ),
    [],
  );
});

for (const [room, target] of [
  ["mqtt", "../aws-iot/connection.js"],
  ["mqtt", "../secure-socket/secure-socket.js"],
  ["system", "../mqtt/session.js"],
  ["telemetry", "../aws-iot/connection.js"],
  ["identity", "../secure-socket/tls-session.js"],
  ["wifi", "../../simulator/device/modules/wifi.js"],
] as const)
  test(`lint refuses an import of ${target} in modules/${room}`, async () => {
    const found = await messages(
      `import { a } from "${target}"; a();`,
      `modules/${room}/sample.ts`,
    );
    assert.equal(found.length, 1, found.join("\n"));
  });

test("lint takes the imports that the design allows", async () => {
  for (const [room, target] of [
    ["aws-iot", "../mqtt/session.js"],
    ["secure-socket", "../identity/identity.js"],
    ["mqtt", "../system/failure.js"],
    ["wifi", "timer"],
  ])
    assert.deepEqual(
      await messages(
        `import { a } from "${target}"; a();`,
        `modules/${room}/sample.ts`,
      ),
      [],
      target,
    );
});

test("lint refuses the firmware in the cloud", async () => {
  const found = await messages(
    'import { a } from "../../modules/mqtt/topics.js"; a();',
    "simulator/cloud/sample.ts",
  );
  assert.equal(found.length, 1, found.join("\n"));
});
