/**
 * One worker, many wishes: what a slider needs. The newest wish wins and cancels an older one that is still running; what is already
 * known is not computed again; when nobody wishes for anything, a list of things worth knowing is worked off in the background.
 */

import { isCancel } from '../core/errors.ts';

export interface Queue<K> {
  /** Runs `key` as soon as possible, instead of whatever runs now. */
  want(key: K): void;
  /** Runs these, in order, whenever nothing is wanted. Replaces the earlier list. */
  later(keys: readonly K[]): void;
  /** Cancels all. */
  stop(): void;
  /** Resolves when there is nothing left to do. */
  idle(): Promise<void>;
}

export interface QueueOptions<K, V> {
  run(key: K, signal: AbortSignal): Promise<V>;
  onDone(key: K, value: V): void;
  /** Not called for cancels. A key that failed is not tried again unless wanted again. */
  onFailed(key: K, error: unknown): void;
}

export function latestWins<K extends string | number, V>({ run, onDone, onFailed }: QueueOptions<K, V>): Queue<K> {
  const known = new Set<K>();
  let wanted: K | undefined;
  let background: K[] = [];
  let running: { key: K; controller: AbortController } | undefined;
  let loop: Promise<void> | undefined;

  const next = (): K | undefined => {
    if (wanted !== undefined && !known.has(wanted)) return wanted;
    wanted = undefined;
    background = background.filter((key) => !known.has(key));
    return background[0];
  };

  const forget = (key: K) => {
    if (wanted === key) wanted = undefined;
    background = background.filter((other) => other !== key);
  };

  const step = async (key: K) => {
    const controller = new AbortController();
    running = { key, controller };
    try {
      const value = await run(key, controller.signal);
      known.add(key);
      onDone(key, value);
    } catch (error) {
      // A cancel of ours leaves the key on its list, to be run later; one from elsewhere must not make us spin.
      if (!controller.signal.aborted) forget(key);
      if (!isCancel(error)) {
        forget(key);
        onFailed(key, error);
      }
    } finally {
      running = undefined;
    }
  };

  const work = async () => {
    await null; // so that `loop` is set before the last line can clear it
    for (let key = next(); key !== undefined; key = next()) await step(key);
    loop = undefined;
  };

  const wake = () => {
    loop ??= work();
  };

  return {
    want(key) {
      wanted = key;
      if (running && running.key !== key && !known.has(key)) running.controller.abort();
      wake();
    },
    later(keys) {
      background = [...keys];
      wake();
    },
    stop() {
      wanted = undefined;
      background = [];
      running?.controller.abort();
    },
    idle: () => loop ?? Promise.resolve(),
  };
}
