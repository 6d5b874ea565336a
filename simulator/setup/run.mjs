/**
 * Entry of every npm command: prepares what the command needs (and only that, and only when it changed), then runs it.
 *
 * `node simulator/setup/run.mjs COMMAND [arguments]`. Plain JavaScript, because it runs before anything is installed.
 */
import { fileURLToPath } from "node:url";
import { otherMbedtls } from "./mbedtls.mjs";
import { prepare } from "./prepare.mjs";
import { SetupError } from "./setup-error.mjs";

const [name = "", ...args] = process.argv.slice(2);

const commands = {
  start: { needs: ["packages", "tools", "device"] },
  node: { needs: ["packages", "tools", "device"] },
  cloud: { needs: ["packages", "tools"] },
  fleet: { needs: ["packages", "tools", "device"] },
  advisor: { needs: ["packages", "tools", "device"] },
  provision: { needs: ["packages", "tools"] },
  fuzz: { needs: ["packages", "tools", "device", "fuzz"] },
  lint: { needs: ["packages"] },
  bench: {
    needs: [
      ...["packages", "tools", "device", "peers"],
      ...(args.length === 0 || args.includes("tls")
        ? ["device-mbedtls-3.6"]
        : []),
      ...(args.length === 0 || args.includes("tls") || args.includes("node")
        ? ["device-board"]
        : []),
    ],
  },
  test: {
    needs: [
      ...["packages", "tools", "device", "device-debug", "peers", "fuzz"],
      () => `device-mbedtls-${otherMbedtls()}`,
    ],
  },
};

const command = commands[name];
if (!command) {
  console.error(
    `Unknown command "${name}". Commands: ${Object.keys(commands).join(", ")}.`,
  );
  process.exit(2);
}

try {
  const leftOut = await prepare(command.needs);
  if (name === "lint") {
    const { lint } = await import("./lint.mjs");
    process.exitCode = lint() ? 0 : 1;
  } else {
    const program = new URL(
      `../../build/node/simulator/commands/${name}.js`,
      import.meta.url,
    );
    const { main } = await import(program.href);
    process.exitCode = (await main(args, leftOut)) ?? 0;
  }
} catch (error) {
  const expected = error instanceof SetupError || error?.expected === true;
  console.error(expected ? error.message : error);
  if (!expected && error?.code === "ERR_MODULE_NOT_FOUND")
    console.error(
      `Remove ${fileURLToPath(new URL("../../build", import.meta.url))} and try again.`,
    );
  process.exitCode = error?.exitCode ?? 1;
}
