/** A stock redis-server in a folder of its own: the oracle that the differential tests compare with. */
import { freePort, RunningProcess, untilReady } from "./child-process.ts";
import { problemWith, reasonToSkip } from "./requirements.ts";
import { answersPing, RespClient } from "./resp-client.ts";
import { temporaryFolder } from "./temp.ts";

/** Why tests against redis-server are skipped here, or undefined. The texts compared are those of Redis 7.0. */
export function requireRedis(): string | undefined {
  return reasonToSkip("redis-server", problemWith("redis-server", /v=7\.0\./));
}

export interface RedisOptions {
  readonly folder?: string;
  /** Further words of the command line: `["--appendonly", "yes"]`. */
  readonly words?: readonly string[];
}

export class RedisServer {
  readonly port: number;
  readonly folder: string;
  readonly process: RunningProcess;

  private constructor(port: number, folder: string, running: RunningProcess) {
    this.port = port;
    this.folder = folder;
    this.process = running;
  }

  /** Answers when it serves; throws with its log if it does not start. */
  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    const port = await freePort();
    const folder = options.folder ?? temporaryFolder("redis");
    const words = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    const running = new RunningProcess("redis-server", [
      ...words,
      ...["--enable-debug-command", "yes", "--slowlog-log-slower-than", "-1"],
      ...(options.words ?? []),
    ]);
    await untilReady(running, "redis-server", () => answersPing(port));
    return new RedisServer(port, folder, running);
  }

  client(): Promise<RespClient> {
    return RespClient.connect({ port: this.port });
  }

  /** It holds nothing that is worth a clean stop. */
  async stop(): Promise<void> {
    await this.process.kill9();
  }
}
