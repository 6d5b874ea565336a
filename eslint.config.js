import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

/**
 * XS's Native API has traps that neither tsc nor our own simulator notices, but the SDK's compiler falls into
 * (fields lost, promises lost, natives taken for locals). Each is a syntax pattern, so each is forbidden here.
 */
const nativeTraps = [
  {
    selector:
      "CallExpression[callee.name=/^[Nn]ative$/]:not([arguments.length=1][arguments.0.type='Literal'])",
    message: "native() and Native() take exactly one string literal.",
  },
  {
    selector:
      ":matches(VariableDeclarator, PropertyDefinition) > CallExpression[callee.name='native']",
    message:
      'Do not keep native("…") in a constant: on the SDK\'s XS every call of it allocates. Write return native("…").call(this, …).',
  },
  {
    selector:
      ":function[async=true] CallExpression[callee.name='native'], :function[generator=true] CallExpression[callee.name='native']",
    message:
      "An async or generator method whose body is a native call loses its promise: call a plain method that holds the native.",
  },
  {
    selector:
      "MethodDefinition > FunctionExpression:has(> AssignmentPattern.params):has(CallExpression[callee.name='native'])",
    message:
      "Default parameters and a native call in one method keep the call from being compiled: give the native its own #method.",
  },
  {
    selector:
      "ClassBody:has(> PropertyDefinition[static=false]:not([declare=true])) > MethodDefinition[kind='constructor'] > FunctionExpression > BlockStatement[body.length=2] > ExpressionStatement > CallExpression[callee.object.callee.name='native']",
    message:
      "A constructor of super() and one native call becomes the native, and the class's fields are never initialised: put the native in a private method.",
  },
  {
    selector:
      ":matches(VariableDeclarator, FunctionDeclaration, ClassDeclaration) > Identifier.id[name=/^[Nn]ative$/], :function > Identifier.params[name=/^[Nn]ative$/]",
    message: "native and Native are reserved: XS's parser takes every call.",
  },
];

const topLevelForAwait = {
  selector: "Program > ForOfStatement[await=true]",
  message:
    "A module whose only await is a top-level for await crashes XS: put it in an async function.",
};

/** Who may import whom: each room of the firmware, and the rooms below it that it may use. Nothing reaches up. */
const rooms = {
  system: [],
  identity: ["system"],
  "secure-socket": ["identity", "system"],
  mqtt: ["system"],
  wifi: ["system"],
  telemetry: ["system"],
  sleep: ["system"],
  "aws-iot": ["mqtt", "secure-socket", "identity", "system"],
};

const forbidImports = (files, patterns, message) => ({
  files,
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: [{ group: patterns, message }] },
    ],
  },
});

const walls = [
  ...Object.entries(rooms).map(([room, below]) =>
    forbidImports(
      [`modules/${room}/**`],
      [
        ...Object.keys(rooms)
          .filter((other) => other !== room && !below.includes(other))
          .map((other) => `**/${other}/**`),
        "**/simulator/**",
        "**/tests/**",
      ],
      `modules/${room} may import only ${[...below, "ECMA-419 and SDK specifiers"].join(", ")}.`,
    ),
  ),
  forbidImports(
    ["simulator/cloud/**", "simulator/advisor/**"],
    ["**/modules/**"],
    "The cloud is a second opinion on the firmware, not a mirror of it: it imports nothing of modules/.",
  ),
];

export default tseslint.config(
  { ignores: ["build/", "node_modules/", "state/"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ["./tsconfig.json", "./simulator/tsconfig.json"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "no-restricted-syntax": ["error", ...nativeTraps, topLevelForAwait],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            {
              from: "package",
              package: "node:test",
              name: ["test", "suite", "describe", "it"],
            },
          ],
        },
      ],
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-extraneous-class": "off",
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
    },
  },
  ...walls,
  {
    files: ["**/*.mjs", "**/*.js"],
    languageOptions: {
      globals: {
        console: "readonly",
        process: "readonly",
        URL: "readonly",
        setTimeout: "readonly",
      },
    },
  },
);
