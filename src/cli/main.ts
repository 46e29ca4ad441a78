#!/usr/bin/env node
/**
 * The program's entry: refuses a Node that is too old, then hands over to the command line.
 *
 * Nothing else is imported before the version is checked, so that an old Node says what is wrong with it instead of
 * tripping over syntax or a missing function somewhere inside.
 */
import { setFlagsFromString } from "node:v8";
import type { Config } from "../config/config.ts";
import { isNodeSupported, NODE_MIN_TEXT } from "./node-version.ts";
import type { RunningServer } from "./running-server.ts";

const EXIT_OLD_NODE = 2;

if (!isNodeSupported(process.versions.node)) {
  console.error(
    `ferrite: Node ${process.versions.node} is too old; ${NODE_MIN_TEXT} or newer is needed, 24 is recommended (https://nodejs.org)`,
  );
  process.exit(EXIT_OLD_NODE);
}

// The young generation stays at its first two MiB. Loading the program would make it sixteen, which fill up once and for
// all with what commands rarely allocate, and which no longer fit into the processor's caches.
setFlagsFromString("--semi-space-growth-factor=1");

/** The server with all that it imports is loaded only when one is started: `--version` should be quick. */
async function startServer(config: Config): Promise<RunningServer> {
  const wire = await import("./wire.ts");
  return wire.startServer(config);
}

const { runProgram } = await import("./program.ts");
const { createNodeHost } = await import("./node-host.ts");
process.exit(await runProgram(process.argv.slice(2), createNodeHost(startServer)));
