/** A long run that a cancel can reach: a session on the CPU runs step after step without ever letting the thread's messages in. */

import { cancelled } from '../core/errors.ts';

const BREATH_MS = 50;

/** Lets waiting messages in every BREATH_MS (a port's message, since timers are held back to 4 ms) and throws AbortError when one was a cancel. */
export function breather(signal: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > BREATH_MS) {
      await new Promise<void>((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          resolve();
        };
        port2.postMessage(null);
      });
      last = performance.now();
    }
    if (signal.aborted) throw cancelled();
  };
}

/** `items.map(work)` that a cancel can reach: thousands of prompts take seconds to encode. */
export async function mapped<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => R,
  signal: AbortSignal,
): Promise<R[]> {
  const pause = breather(signal);
  const results: R[] = [];
  for (const [index, item] of items.entries()) {
    await pause();
    results.push(work(item, index));
  }
  return results;
}
