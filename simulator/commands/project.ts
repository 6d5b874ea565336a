import { fileURLToPath } from "node:url";

/** The project's folder. This file runs as build/node/simulator/commands/project.js. */
export const root = fileURLToPath(new URL("../../../../", import.meta.url));
