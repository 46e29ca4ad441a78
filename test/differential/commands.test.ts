/**
 * Thousands of random commands to redis-server and to Ferrite: the same reply bytes, the same contents, also after a
 * restart of Ferrite, and in a stock redis-server that loads Ferrite's append-only file.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireRedis } from "../support/redis-server.ts";
import { seedOf } from "../support/seed.ts";
import { runCampaign } from "./campaign.ts";
import { Pair } from "./pair.ts";

const reason = requireRedis();
const SEQUENCES = 15;
const UNITS_PER_SEQUENCE = 600;
const TIMEOUT_MS = 600_000 + 2000 * Number(process.env["FERRITE_FUZZ_SECONDS"] ?? 0);

describe.skipIf(reason !== undefined)(
  `random commands to both servers${reason ? ` (${reason})` : ""}`,
  () => {
    let pair: Pair | undefined;
    beforeAll(async () => {
      pair = await Pair.start();
    });
    afterAll(() => pair?.stop());

    for (const protocol of [2, 3] as const) {
      it(
        `answer the same bytes over RESP${protocol} and keep the same data`,
        async () => {
          const compared = await runCampaign(pair!, {
            protocol,
            seed: seedOf(`random commands over RESP${protocol}`),
            sequences: SEQUENCES,
            unitsPerSequence: UNITS_PER_SEQUENCE,
          });
          expect(compared).toBeGreaterThan(UNITS_PER_SEQUENCE);
        },
        TIMEOUT_MS,
      );
    }
  },
);
