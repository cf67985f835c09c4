/**
 * A GPU can go away in the middle of a merge: its driver restarts, a laptop switches cards, another page crashes it. The call that was under
 * way then, and all later ones, are done by a backend that stays; the bytes are the same, so nobody needs to know but the person.
 */

import { AppError } from '../core/errors.ts';
import type { Backend, Kernels } from './kernels.ts';

/**
 * @param gpu   writes `out` only when a call succeeds; rejects with AppError 'device-lost' or 'backend-unavailable' when it cannot go on
 * @param spare takes the same types
 * @param onFallback told once, in a sentence for people
 */
export function withFallback(gpu: Kernels, spare: Kernels, onFallback: (reason: string) => void): Kernels {
  let gone = false;
  let last: Backend = gpu.backend;

  async function either<T>(call: (kernels: Kernels) => T | Promise<T>): Promise<T> {
    if (!gone) {
      try {
        const result = await call(gpu);
        last = gpu.backend;
        return result;
      } catch (error) {
        if (!endsTheBackend(error)) throw error;
        if (!gone) onFallback(error.message);
        gone = true;
      }
    }
    const result = await call(spare);
    last = spare.backend;
    return result;
  }

  return {
    get backend() {
      return last;
    },
    get parallel() {
      return gone ? spare.parallel : gpu.parallel;
    },
    apply: (...call) => either((kernels) => kernels.apply(...call)),
    foldLowRank: (...call) => either((kernels) => kernels.foldLowRank(...call)),
  };
}

/** Mistakes of the caller are thrown on: the spare would only make them again. */
function endsTheBackend(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === 'device-lost' || error.code === 'backend-unavailable');
}
