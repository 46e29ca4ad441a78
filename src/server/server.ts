/**
 * The listening side: transports, admission of clients, time-outs, and an orderly end.
 *
 * Invariants: a server that listens before its database is recovered answers LOADING to all that need data; after `stop` no request is executed, what
 * was acknowledged has left or had `graceMs` to leave, and the log is closed by its owner afterwards.
 */

import { FerriteError, messageOf, systemCode } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import type { Session } from "../database/session.ts";
import type { Statistics } from "../database/statistics.ts";
import type { ListenAddress, Listener, Transport } from "../ports/transport.ts";
import { defaultProtocolLimits, type ProtocolLimits } from "../protocol/limits.ts";
import { FrontEnd } from "./front-end.ts";
import { Turns } from "./turns.ts";

const PROTECTED_MODE_TEXT =
  "DENIED Ferrite is running in protected mode because protected mode is enabled and no password is set for the default user. " +
  "In this mode connections are only accepted from the loopback interface. " +
  "If you want to connect from external computers, set a password (server.requirepass), " +
  "or disable protected mode by sending the command 'CONFIG SET protected-mode no' from the loopback interface.";

export interface Listening {
  /** As shown in the banner: `127.0.0.1:6379`, `unix:/run/ferrite.sock`, `127.0.0.1:6380 (TLS)`. */
  readonly addresses: readonly string[];
  readonly port: number;
}

export class Server {
  readonly turns: Turns;
  readonly #config: Config;
  readonly #database: Database;
  readonly #limits: ProtocolLimits;
  readonly #frontEnds: FrontEnd[] = [];
  readonly #listeners: Listener[] = [];
  #rejected = 0;
  #rejectedSeen = 0;
  #inputSeen = 0;
  #outputSeen = 0;
  #readsSeen = 0;
  #writesSeen = 0;
  #port = 0;

  constructor(config: Config, database: Database) {
    this.#config = config;
    this.#database = database;
    this.turns = new Turns(database);
    this.#limits = { ...defaultProtocolLimits() };
    const adopt = (): void => {
      this.#limits.bulkBytesMax = config.values.server.proto_max_bulk_len;
      this.#limits.requestBytesMax = config.values.server.client_query_buffer_limit;
    };
    adopt();
    config.onChange("server.proto_max_bulk_len", adopt);
    config.onChange("server.client_query_buffer_limit", adopt);
    config.onChange("server.tcp_keepalive", (ms) => {
      for (const { transport } of this.#frontEnds) transport.setKeepAlive(Math.ceil(ms / 1000));
    });
  }

  /** Listens on every configured address; on a failure nothing stays open. */
  async listen(plain: Transport, tls: Transport | undefined): Promise<Listening> {
    const { server } = this.#config.values;
    const addresses: string[] = [];
    let firstPort = 0;
    const front = this.#add(plain);
    if (server.port !== 0) {
      for (const host of server.bind) {
        const listener = await this.#listen(front, {
          kind: "tcp",
          host,
          port: server.port,
          backlog: server.tcp_backlog,
        });
        firstPort ||= listener.port;
        addresses.push(`${shownHost(host)}:${listener.port}`);
      }
    }
    if (server.unix_socket !== "") {
      const permissions = server.unix_socket_permissions;
      await this.#listen(front, {
        kind: "unix",
        path: server.unix_socket,
        ...(permissions === 0 ? {} : { permissions }),
      });
      addresses.push(`unix:${server.unix_socket}`);
    }
    if (tls !== undefined && server.tls.port !== 0) {
      const secure = this.#add(tls);
      for (const host of server.bind) {
        const listener = await this.#listen(secure, {
          kind: "tcp",
          host,
          port: server.tls.port,
          backlog: server.tcp_backlog,
        });
        addresses.push(`${shownHost(host)}:${listener.port} (TLS)`);
      }
    }
    this.#port = firstPort;
    return { addresses, port: firstPort };
  }

  #add(transport: Transport): FrontEnd {
    const frontEnd = new FrontEnd({
      transport,
      turns: this.turns,
      limits: this.#limits,
      admit: (peerAddress) => this.#admit(peerAddress),
      outputLimits: () => this.#config.values.server.client_output_buffer_limit,
    });
    this.#frontEnds.push(frontEnd);
    transport.setKeepAlive(Math.ceil(this.#config.values.server.tcp_keepalive / 1000));
    return frontEnd;
  }

  async #listen(frontEnd: FrontEnd, address: ListenAddress): Promise<Listener> {
    try {
      const listener = await frontEnd.transport.listen(address);
      this.#listeners.push(listener);
      return listener;
    } catch (error) {
      throw listenError(address, error);
    }
  }

  /** The error line for a peer that may not connect, or undefined. */
  #admit(peerAddress: string): string | undefined {
    const { server } = this.#config.values;
    let open = 0;
    for (const frontEnd of this.#frontEnds) open += frontEnd.openConnections;
    if (open >= server.max_clients) {
      this.#rejected++;
      return "ERR max number of clients reached";
    }
    if (server.protected_mode && server.requirepass === "" && !isLocal(peerAddress)) {
      this.#rejected++;
      return PROTECTED_MODE_TEXT;
    }
    return undefined;
  }

  /** Carrier of the database's sessions; see Assembly. */
  within(work: () => void): void {
    this.turns.within(work);
  }

  get port(): number {
    return this.#port;
  }

  get bufferedBytes(): number {
    let bytes = this.turns.gate.heldBytes;
    for (const frontEnd of this.#frontEnds) bytes += frontEnd.bufferedBytes;
    return bytes;
  }

  tick(sessions: Iterable<Session>, statistics: Statistics): void {
    statistics.rejectedConnections += this.#rejected - this.#rejectedSeen;
    this.#rejectedSeen = this.#rejected;
    let input = 0;
    let output = 0;
    let reads = 0;
    let writes = 0;
    for (const frontEnd of this.#frontEnds) {
      reads += frontEnd.reads;
      writes += frontEnd.writes;
      input += frontEnd.inputTotal;
      output += frontEnd.outputTotal;
    }
    // Differences, because CONFIG RESETSTAT sets the counters to zero.
    statistics.netInputBytes += input - this.#inputSeen;
    statistics.netOutputBytes += output - this.#outputSeen;
    statistics.readsProcessed += reads - this.#readsSeen;
    statistics.writesProcessed += writes - this.#writesSeen;
    this.#readsSeen = reads;
    this.#writesSeen = writes;
    this.#inputSeen = input;
    this.#outputSeen = output;
    this.#closeIdle(sessions);
  }

  /** Closes clients that have been idle for longer than `server.timeout`. */
  #closeIdle(sessions: Iterable<Session>): void {
    const timeoutMs = this.#config.values.server.timeout;
    if (timeoutMs === 0) return;
    const nowMs = this.#database.clock.wallMs();
    for (const session of sessions) {
      if (session.blocked || session.monitoring || session.subscribed) continue;
      if (nowMs - session.lastActiveMs > timeoutMs) session.kill();
    }
  }

  /** Accepts nobody and executes nothing any more; replies that wait may still leave. */
  quiesce(): void {
    for (const listener of this.#listeners) listener.close();
    for (const frontEnd of this.#frontEnds) frontEnd.quiesce();
  }

  async stop(graceMs: number): Promise<void> {
    this.quiesce();
    await Promise.all(this.#frontEnds.map((frontEnd) => frontEnd.transport.shutdown(graceMs)));
  }
}

const shownHost = (host: string): string => (host.includes(":") ? `[${host}]` : host);

function isLocal(peerAddress: string): boolean {
  return (
    peerAddress.startsWith("127.") ||
    peerAddress.startsWith("[::1]") ||
    peerAddress.startsWith("[::ffff:127.") ||
    peerAddress.startsWith("/") ||
    peerAddress.endsWith(":0")
  );
}

function listenError(address: ListenAddress, error: unknown): FerriteError {
  const where = address.kind === "tcp" ? `${shownHost(address.host)}:${address.port}` : address.path;
  const code = systemCode(error);
  let advice = messageOf(error);
  if (code === "EADDRINUSE") {
    advice =
      address.kind === "tcp"
        ? "another process listens there; stop it or choose another port with --port"
        : "another process listens there, or a stale socket file is left over; remove it or choose another path";
  } else if (code === "EACCES") {
    advice = "not permitted; choose a port above 1023, or another path, or run with the needed rights";
  } else if (code === "EADDRNOTAVAIL") {
    advice = "no interface of this machine has that address; choose another with --bind";
  }
  return new FerriteError("unavailable", `cannot listen on ${where}: ${advice}`, { cause: error });
}
