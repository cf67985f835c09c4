/**
 * Asking which backend computes here. Measured on a worker of its own, which ends afterwards: for about a second it does nothing else, and
 * plans and headers shall not wait for it; the graphics card is free again when it has gone.
 */

import type { BackendChoice, BackendWish } from '../src/kernels/kernels.ts';
import { call, noteRequests, startMergeWorker } from './start.ts';

const asked = new Map<BackendWish, Promise<BackendChoice>>();
/** Two looks at once would measure each other: the end of the last one. */
let looked: Promise<unknown> = Promise.resolve();

/**
 * What the wish comes to on this computer, and why. Asked once per page and kept, unless it fails: then the next call asks again.
 * @throws AppError 'backend-unavailable'
 */
export function chooseBackend(wish: BackendWish): Promise<BackendChoice> {
  const known = asked.get(wish);
  if (known) return known;
  const asking = looked.then(() => ask(wish));
  asked.set(wish, asking);
  looked = asking.catch(() => asked.delete(wish));
  return asking;
}

async function ask(wish: BackendWish): Promise<BackendChoice> {
  // Nothing to look at: neither can be missing.
  if (wish === 'wasm' || wish === 'reference') return { backend: wish, why: 'asked' };
  const worker = startMergeWorker();
  try {
    const choice = await call(worker, worker.api.chooseBackend(wish) as Promise<BackendChoice>);
    await noteRequests(worker);
    return choice;
  } finally {
    worker.terminate();
  }
}
