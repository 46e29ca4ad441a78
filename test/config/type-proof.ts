/** Compiles only while the types of values follow from the table of options. */
import type { Config } from "../../src/config/config.ts";
import type { OutputLimits } from "../../src/config/redis-kinds.ts";

export const OutputLimitsSample: OutputLimits = {
  normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
  replica: { hardBytes: 1, softBytes: 1, softSeconds: 1 },
  pubsub: { hardBytes: 1, softBytes: 1, softSeconds: 1 },
};

export function typeProof(config: Config): boolean {
  const port: number = config.values.server.port;
  const tlsPort: number = config.values.server.tls.port;
  const sync: "always" | "everysec" | "no" = config.values.persistence.aof_sync;
  const bind: readonly string[] = config.values.server.bind;
  const limits: OutputLimits = config.values.server.client_output_buffer_limit;
  // @ts-expect-error there is no such option
  config.values.server.prot;
  // @ts-expect-error values do not change but through setLive
  if (port < 0) config.values.server.port = 0;
  // @ts-expect-error there is no such key
  if (port < 0) config.valueOf("server.prot");
  const stop = config.onChange("persistence.aof_sync", (value: "always" | "everysec" | "no") => value);
  stop();
  return [port, tlsPort, sync, bind, limits].every((value) => value !== undefined);
}
