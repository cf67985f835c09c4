/**
 * The shards of one merge, spread over workers: a queue that every worker takes from, one sum of their progress, and an end within a moment
 * of the wish for it. What happens inside a shard is src/merge/run/run.ts.
 */

import { cancelled, isCancel } from '../src/core/errors.ts';
import type { PauseSignal } from '../src/core/pause.ts';
import type { OnProgress } from '../src/core/progress.ts';
import type { MergeWorkerApi } from './merge.worker.ts';
import { call, noteRequests, type RunningWorker, startMergeWorker } from './start.ts';

export type MergeWorker = RunningWorker<MergeWorkerApi>;

export interface RunSignals {
  onProgress: OnProgress;
  signal: AbortSignal;
  pause: PauseSignal;
}

/**
 * A worker in the middle of a piece stops by itself well within this; one that waits for the browser (`close` of a large shard takes many
 * seconds) is ended. Nothing is lost by that: the swap file never becomes the real one.
 */
const GRACE_MS = 600;

/** Workers for the time of `work`; on cancel or failure they are ended at the latest after the grace. */
export async function withWorkers<T>(
  count: number,
  signal: AbortSignal,
  work: (workers: MergeWorker[]) => Promise<T>,
): Promise<T> {
  const workers = Array.from({ length: count }, startMergeWorker);
  const end = () => {
    for (const worker of workers) worker.terminate();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    timer ??= setTimeout(end, GRACE_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const value = await work(workers);
    await Promise.all(workers.map(noteRequests));
    return value;
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
    end();
  }
}

/** One shard's part of the whole: runs it, or whatever is to be done with it. */
export type ShardTask<T> = (worker: MergeWorker, shard: number, signals: RunSignals) => Promise<T>;

/**
 * Runs `task` for every shard listed. The first failure stops the others; a real failure says more than the cancels it caused.
 * @param sizes bytes of each shard of the plan; progress is of those listed, and of `before` bytes that were done earlier
 */
export async function eachShard<T>(
  workers: readonly MergeWorker[],
  shards: readonly number[],
  sizes: readonly number[],
  before: number,
  task: ShardTask<T>,
  { onProgress, signal, pause }: RunSignals,
): Promise<Map<number, T>> {
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) stop.abort();
  const total = before + shards.reduce((sum, shard) => sum + sizes[shard]!, 0);
  const done = new Map<number, number>();
  const results = new Map<number, T>();
  const waiting = [...shards];
  let settled = false;
  const drain = async (worker: MergeWorker) => {
    for (let shard = waiting.shift(); shard !== undefined; shard = waiting.shift()) {
      if (stop.signal.aborted) throw cancelled();
      const mine = shard;
      const report: OnProgress = (progress) => {
        if (settled) return; // a report may come later than the result
        done.set(mine, progress.done);
        onProgress({ ...progress, done: before + [...done.values()].reduce((sum, bytes) => sum + bytes, 0), total });
      };
      const signals = { onProgress: report, signal: stop.signal, pause };
      results.set(mine, await call(worker, task(worker, mine, signals)));
    }
  };
  const outcomes = await Promise.allSettled(
    workers.map((worker) =>
      drain(worker).catch((error) => {
        stop.abort();
        throw error;
      }),
    ),
  );
  settled = true;
  signal.removeEventListener('abort', onAbort);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (failures.length > 0) throw failures.find((error) => !isCancel(error)) ?? failures[0];
  return results;
}
