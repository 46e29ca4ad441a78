/** Checks of the machine: Node, the addon, limits of the process, the kernel's memory settings. */
import type { ConfigValues } from "../config/options.ts";
import { type Finding, fail, ok, warn } from "./doctor-report.ts";
import type { Host } from "./host.ts";
import { isNodeSupported, NODE_MIN_TEXT } from "./node-version.ts";

/** The oldest Node that still gets security fixes. */
const NODE_MAINTAINED_MAJOR = 22;
/** Files that the server opens besides its clients: log parts, segments, listeners. */
const OWN_DESCRIPTORS = 128;

export function checkNode(host: Host): Finding {
  if (!isNodeSupported(host.nodeVersion)) {
    return fail(
      "node",
      `Node ${host.nodeVersion}`,
      `install Node ${NODE_MIN_TEXT} or newer; 24 is recommended`,
    );
  }
  if (Number.parseInt(host.nodeVersion, 10) < NODE_MAINTAINED_MAJOR) {
    return warn(
      "node",
      `Node ${host.nodeVersion}`,
      "it works, but no longer gets security fixes; Node 24 is recommended",
    );
  }
  return ok("node", `Node ${host.nodeVersion}`);
}

export function checkAddon(host: Host, values: ConfigValues): Finding {
  const problem = host.addonProblem();
  const { io } = values.server;
  if (problem === "")
    return ok("addon", io === "portable" ? 'built; not used: server.io is "portable"' : "built and loaded");
  if (io === "native") {
    return fail(
      "addon",
      problem,
      'build it with `node scripts/build-native.mjs --force`, or set server.io to "auto"',
    );
  }
  return warn(
    "addon",
    problem,
    "the portable path serves, at about half the speed; a C++ compiler, make and Python 3 build the addon",
  );
}

export function checkTransport(host: Host, values: ConfigValues): Finding {
  const isNative = values.server.io !== "portable" && host.addonProblem() === "";
  const tls = values.server.tls.port === 0 ? "" : ", TLS through node:tls";
  return ok("transport", `${isNative ? "native" : "portable"} sockets and files${tls}`);
}

export function checkDescriptors(host: Host, values: ConfigValues): Finding {
  const limits = host.systemText("/proc/self/limits");
  const match = limits === undefined ? null : /^Max open files\s+(\d+|unlimited)/m.exec(limits);
  if (match === null) return ok("open-files", "the limit cannot be read on this system");
  const needed = values.server.max_clients + OWN_DESCRIPTORS;
  const limit = match[1] === "unlimited" ? Number.POSITIVE_INFINITY : Number(match[1]);
  if (limit >= needed) return ok("open-files", `limit ${match[1]}, ${needed} needed at most`);
  return warn(
    "open-files",
    `limit ${limit}, ${needed} needed for server.max_clients = ${values.server.max_clients}`,
    `raise it (ulimit -n ${needed}, or LimitNOFILE= in the systemd unit), or lower server.max_clients`,
  );
}

/** Redis's two classic warnings; what they are about, fork, does not happen here. */
export function checkKernelMemory(host: Host): Finding[] {
  const overcommit = host.systemText("/proc/sys/vm/overcommit_memory")?.trim();
  const huge = host.systemText("/sys/kernel/mm/transparent_hugepage/enabled");
  const findings: Finding[] = [];
  if (overcommit === "2") {
    findings.push(
      warn(
        "overcommit",
        "vm.overcommit_memory = 2",
        "Node reserves far more address space than it uses; set it to 0 or 1",
      ),
    );
  } else if (overcommit !== undefined) {
    findings.push(
      ok("overcommit", `vm.overcommit_memory = ${overcommit}; nothing is forked, so 0 is as good as 1`),
    );
  }
  const mode = /\[(\w+)\]/.exec(huge ?? "")?.[1];
  if (mode !== undefined)
    findings.push(
      ok("huge-pages", `transparent huge pages: ${mode}; nothing is forked, so any mode will do`),
    );
  return findings;
}

export async function checkPorts(host: Host, values: ConfigValues, isLocked: boolean): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const port of new Set([values.server.port, values.server.tls.port])) {
    if (port === 0) continue;
    for (const address of values.server.bind) {
      const code = await host.tryListen(address, port);
      findings.push(portFinding(`${address}:${port}`, code, isLocked));
    }
  }
  return findings;
}

function portFinding(address: string, code: string | undefined, isLocked: boolean): Finding {
  if (code === undefined) return ok("port", `${address} is free`);
  if (code === "EADDRINUSE" && isLocked) {
    return warn("port", `${address} is in use`, "most likely by the server that owns the data directory");
  }
  if (code === "EADDRINUSE") {
    return fail(
      "port",
      `${address} is in use`,
      "stop what listens there (ss -ltnp shows it), or choose another server.port",
    );
  }
  if (code === "EACCES")
    return fail(
      "port",
      `${address}: no permission`,
      "ports below 1024 need a privilege; choose another server.port",
    );
  if (code === "EADDRNOTAVAIL")
    return fail("port", `${address}: not an address of this machine`, "correct server.bind");
  return fail("port", `${address}: ${code}`, "correct server.bind and server.port");
}
