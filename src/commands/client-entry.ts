/**
 * A connected client as other clients see it: what CLIENT LIST shows and CLIENT KILL, UNBLOCK and MONITOR act on.
 *
 * Invariant: every connection is registered from its acceptance until it is closed, under an id that is never
 * given out again.
 */
export interface ClientEntry {
  readonly id: number;
  /** Wall clock, milliseconds. */
  readonly createdMs: number;
  readonly lastActiveMs: number;
  /** `host:port`, `[v6]:port` or `path:0`. */
  readonly peerAddress: string;
  readonly localAddress: string;
  /** -1 where there is none. */
  readonly descriptor: number;
  readonly authenticated: boolean;
  readonly user: string;
  readonly name: string;
  readonly libraryName: string;
  readonly libraryVersion: string;
  readonly db: number;
  readonly resp: 2 | 3;
  readonly noEvict: boolean;
  readonly noTouch: boolean;
  readonly monitoring: boolean;
  /** Closes after its reply has left. */
  readonly closing: boolean;
  /** Waits for the reply of a command that it sent. */
  readonly blocked: boolean;
  readonly subscriptions: number;
  readonly patternSubscriptions: number;
  readonly shardSubscriptions: number;
  /** Commands queued by MULTI; -1 outside a transaction. */
  readonly queuedCommands: number;
  /** What these and its watched keys take. */
  readonly transactionBytes: number;
  /** A key that it watches has changed. */
  readonly watchBroken: boolean;
  /** Full name of the last command ("client|list"), "NULL" before the first. */
  readonly lastCommand: string;
  /** Bytes received and not yet executed; bytes of replies that the system has not taken yet. */
  readonly inputBytes: number;
  readonly outputBytes: number;

  /** Closes the connection: at once, or after its reply if it is the one that runs the present command. */
  kill(): void;
  /** Ends its waiting as if the time were up, or with an error; false if it does not wait or cannot be unblocked. */
  unblock(how: "timeout" | "error"): boolean;
  /** One line of MONITOR, without a line end; printable ASCII. */
  sendMonitorLine(line: string): void;
  /** Back to the state of a fresh connection: database, protocol, name, subscriptions, transaction, watched keys, monitor. */
  reset(authenticated: boolean): void;
}

/** CLIENT LIST TYPE and CLIENT KILL TYPE; replicas and masters do not exist here, their names are understood. */
export type ClientType = "normal" | "replica" | "master" | "pubsub";

export function clientType(client: ClientEntry): ClientType {
  const subscribed = client.subscriptions + client.patternSubscriptions + client.shardSubscriptions > 0;
  return subscribed ? "pubsub" : "normal";
}

/** The type that a word (any case) names, or undefined. */
export function clientTypeNamed(word: string): ClientType | undefined {
  switch (word.toLowerCase()) {
    case "normal":
      return "normal";
    case "slave":
    case "replica":
      return "replica";
    case "master":
      return "master";
    case "pubsub":
      return "pubsub";
    default:
      return undefined;
  }
}

/** CLIENT LIST's line, fields and order as Redis 7.2, without a line end. */
export function describeClient(client: ClientEntry, nowMs: number): string {
  const output = client.outputBytes;
  return [
    `id=${client.id}`,
    `addr=${client.peerAddress}`,
    `laddr=${client.localAddress}`,
    client.descriptor >= 0 ? `fd=${client.descriptor}` : "fd=-1",
    `name=${client.name}`,
    `age=${wholeSeconds(nowMs - client.createdMs)}`,
    `idle=${wholeSeconds(nowMs - client.lastActiveMs)}`,
    `flags=${clientFlags(client)}`,
    `db=${client.db}`,
    `sub=${client.subscriptions}`,
    `psub=${client.patternSubscriptions}`,
    `ssub=${client.shardSubscriptions}`,
    `multi=${client.queuedCommands}`,
    `qbuf=${client.inputBytes}`,
    // Input is parsed where it arrives, arguments are not copied, and replies share one arena: no buffers of its own.
    `qbuf-free=0 argv-mem=0 multi-mem=${client.transactionBytes} rbs=0 rbp=0`,
    `obl=${output}`,
    "oll=0",
    `omem=${output}`,
    `tot-mem=${CLIENT_BYTES + client.inputBytes + client.transactionBytes + output}`,
    `events=${output > 0 ? "rw" : "r"}`,
    `cmd=${client.lastCommand}`,
    `user=${client.user}`,
    "redir=-1",
    `resp=${client.resp}`,
    `lib-name=${client.libraryName}`,
    `lib-ver=${client.libraryVersion}`,
  ].join(" ");
}

/** An estimate of what an idle connection holds: its session, its reader and the table entries of both. */
const CLIENT_BYTES = 1024;

function wholeSeconds(ms: number): number {
  return ms > 0 ? Math.floor(ms / 1000) : 0;
}

function clientFlags(client: ClientEntry): string {
  let flags = "";
  if (client.monitoring) flags += "O";
  if (clientType(client) === "pubsub") flags += "P";
  if (client.queuedCommands >= 0) flags += "x";
  if (client.blocked) flags += "b";
  if (client.watchBroken) flags += "d";
  if (client.closing) flags += "c";
  if (client.peerAddress.startsWith("/")) flags += "U";
  if (client.noEvict) flags += "e";
  if (client.noTouch) flags += "T";
  return flags === "" ? "N" : flags;
}
