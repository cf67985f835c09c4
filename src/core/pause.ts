/**
 * Pausing: a signal like AbortSignal that can be taken back. Loops wait at it between two pieces of work; nothing is interrupted inside one.
 * It crosses threads (workers/wire.ts).
 */

import { cancelled } from './errors.ts';

/** Dispatches 'change' whenever `paused` does. */
export class PauseSignal extends EventTarget {
  #paused = false;

  get paused(): boolean {
    return this.#paused;
  }

  /** For whoever made the signal: it is its controller, or the other end of a thread's wire. */
  set(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.dispatchEvent(new Event('change'));
  }
}

/** Resolves when nothing is paused any more; rejects with AbortError as soon as `abort` does. */
export async function untilResumed(pause: PauseSignal | undefined, abort: AbortSignal): Promise<void> {
  while (pause?.paused && !abort.aborted) {
    await new Promise<void>((resolve) => {
      const done = () => {
        pause.removeEventListener('change', done);
        abort.removeEventListener('abort', done);
        resolve();
      };
      pause.addEventListener('change', done);
      abort.addEventListener('abort', done);
    });
  }
  if (abort.aborted) throw cancelled();
}
