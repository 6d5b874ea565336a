/** `npm run lint`: ESLint with type information, then Prettier's check. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./prepare.mjs";

const tools = [
  ["eslint/bin/eslint.js", "--max-warnings", "0", "."],
  ["prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."],
];

/** Runs both; prints what they find; true when they find nothing. */
export function lint() {
  return tools
    .map(([program, ...args]) =>
      spawnSync(
        process.execPath,
        [join(root, "node_modules", program), ...args],
        {
          cwd: root,
          stdio: ["ignore", "inherit", "inherit"],
        },
      ),
    )
    .every((result) => result.status === 0);
}
