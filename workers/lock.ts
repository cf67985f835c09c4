/** One tab per merge: the same merge to the same place is refused while another tab (or this one) is at it. Held until the tab is gone. */

import { AppError } from '../src/core/errors.ts';

const PREFIX = 'resta-web-run:';

/** @throws AppError 'run-busy' */
export async function withRunLock<T>(id: string | undefined, work: () => Promise<T>): Promise<T> {
  // No locks where the page is not served securely; there the files' own locks have to do.
  if (id === undefined || !navigator.locks) return work();
  return navigator.locks.request(`${PREFIX}${id}`, { ifAvailable: true }, (lock) => {
    if (lock) return work();
    throw new AppError(
      'run-busy',
      'This merge is running in another tab.',
      'Wait until it is finished there, cancel it there, or choose another name for the output.',
    );
  });
}

/** Ids of the merges that some tab is working on. */
export async function busyRuns(): Promise<Set<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.flatMap(({ name = '' }) => (name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [])));
}
