/**
 * The sessions whose next command CLIENT PAUSE holds back, and their way on.
 *
 * Invariants: a held session has changed nothing with the command that is held; it is resumed when the pause
 * ends, by its time or by CLIENT UNPAUSE, never inside a command.
 */
import type { Clock, Timer } from "../ports/clock.ts";
import type { Pause } from "./pause.ts";
import type { Session } from "./session.ts";

export class HeldSessions {
  readonly #pause: Pause;
  readonly #clock: Clock;
  readonly #onPause: (on: boolean) => void;
  #held: Session[] = [];
  #timer: Timer | undefined;

  constructor(pause: Pause, clock: Clock, onPause: (on: boolean) => void) {
    this.#pause = pause;
    this.#clock = clock;
    this.#onPause = onPause;
  }

  /** `flags` as in Pause.holds. */
  holdBack(flags: number, session: Session): boolean {
    if (!this.#pause.holds(flags, this.#clock.wallMs())) return false;
    session.paused = true;
    this.#held.push(session);
    return true;
  }

  /** The pause has begun, was extended, or was ended by command. */
  changed(): void {
    this.#timer?.cancel();
    const nowMs = this.#clock.wallMs();
    const on = this.#pause.isOn(nowMs);
    this.#onPause(on);
    if (on)
      this.#timer = this.#clock.after(this.#pause.untilMs - nowMs, () => this.changed(), { unref: true });
    else this.#clock.soon(() => this.#releaseAll());
  }

  #releaseAll(): void {
    const held = this.#held;
    this.#held = [];
    for (const session of held) {
      session.paused = false;
      if (!session.closed) session.carrier.resume();
    }
  }
}
