/**
 * Who is connected: the clients by id, for CLIENT and INFO.
 *
 * Invariants: a client is here from its acceptance to its end; iteration is in order of ids, and a client may
 * be removed while iterating.
 */
import { assert } from "../base/assert.ts";
import { type ClientEntry, clientType } from "../commands/client-entry.ts";
import type { ClientsFace, PauseMode } from "../commands/server-face.ts";
import type { Pause } from "./pause.ts";

export class ClientRegistry implements ClientsFace {
  readonly #clients = new Map<number, ClientEntry>();
  readonly #pause: Pause;
  readonly #nowMs: () => number;
  readonly #onPauseChanged: () => void;

  /** `onPauseChanged` is called after a pause has begun, was extended or was ended by command. */
  constructor(parts: { pause: Pause; nowMs: () => number; onPauseChanged: () => void }) {
    this.#pause = parts.pause;
    this.#nowMs = parts.nowMs;
    this.#onPauseChanged = parts.onPauseChanged;
  }

  add(client: ClientEntry): void {
    assert(!this.#clients.has(client.id), `client ${client.id} is registered twice`);
    this.#clients.set(client.id, client);
  }

  remove(client: ClientEntry): void {
    this.#clients.delete(client.id);
  }

  get count(): number {
    return this.#clients.size;
  }

  entries(): Iterable<ClientEntry> {
    return this.#clients.values();
  }

  find(id: number): ClientEntry | undefined {
    return this.#clients.get(id);
  }

  pause(untilMs: number, mode: PauseMode): void {
    this.#pause.begin(untilMs, mode, this.#nowMs());
    this.#onPauseChanged();
  }

  unpause(): void {
    this.#pause.clear();
    this.#onPauseChanged();
  }

  /** For INFO clients; looks at every client. */
  survey(): ClientSurvey {
    const survey = { blocked: 0, pubsub: 0, inputBytesMax: 0, outputBytesMax: 0, bytes: 0 };
    for (const client of this.#clients.values()) {
      const { inputBytes, outputBytes } = client;
      if (client.blocked) survey.blocked++;
      if (clientType(client) === "pubsub") survey.pubsub++;
      survey.inputBytesMax = Math.max(survey.inputBytesMax, inputBytes);
      survey.outputBytesMax = Math.max(survey.outputBytesMax, outputBytes);
      survey.bytes += inputBytes + outputBytes;
    }
    return survey;
  }
}

export interface ClientSurvey {
  readonly blocked: number;
  readonly pubsub: number;
  readonly inputBytesMax: number;
  readonly outputBytesMax: number;
  /** Buffered for all clients together. */
  readonly bytes: number;
}
