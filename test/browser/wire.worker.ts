/** A worker that fails, waits and calls back, for the tests of the wire. */

import { AppError } from '../../src/core/errors.ts';
import type { PauseSignal } from '../../src/core/pause.ts';
import { serve } from '../../workers/wire.ts';

const api = {
  failKnown(): void {
    throw new AppError('disk-full', 'The disk is full.', 'Free some space.', { needed: 42 });
  },
  failCancelled(): void {
    throw new DOMException('Cancelled.', 'AbortError');
  },
  failBare(): void {
    throw 139_245_200;
  },
  waitForAbort(signal: AbortSignal): Promise<string> {
    if (signal.aborted) return Promise.resolve('already aborted');
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve('aborted')));
  },
  /** Resolves with what it was at first and the two changes after. */
  watchPause(pause: PauseSignal): Promise<boolean[]> {
    const seen = [pause.paused];
    return new Promise((resolve) => {
      pause.addEventListener('change', () => {
        if (seen.push(pause.paused) === 3) resolve(seen);
      });
    });
  },
  async count(to: number, onCount: (n: number) => void): Promise<void> {
    for (let n = 1; n <= to; n++) await onCount(n);
  },
};

export type WireApi = typeof api;
serve(api);
