/**
 * The shards of one merge, spread over its workers: a queue that every lane takes from, and one sum of their progress. What happens inside a
 * shard is src/merge/run/run.ts.
 */

import { cancelled, isCancel } from '../src/core/errors.ts';
import type { PauseSignal } from '../src/core/pause.ts';
import type { OnProgress, Progress } from '../src/core/progress.ts';
import { GRACE_MS, type MergeWorker } from './crew.ts';
import { call } from './start.ts';

export interface RunSignals {
  onProgress: OnProgress;
  signal: AbortSignal;
  pause: PauseSignal;
}

/**
 * Shards written at the same time, in one worker or several. A browser writes one file at 0.3 GB/s and closes it at 0.1, and four at the same
 * time three times as fast (bench io); eight are no faster, and hold twice the memory.
 */
export const LANES = 4;

/**
 * Times the lanes: where files close more slowly than they are written, closing is waited for. Closing works slowly beside writing: with twice the
 * lanes the first of 17 files was safe at 48 % of a 1.1 B merge, so at 36 %, in the same time.
 */
const MOST_UNDER_WAY = 1.5;

/** One shard's part of the whole: runs it, or whatever is to be done with it. */
export type ShardTask<T> = (worker: MergeWorker, shard: number, signals: RunSignals) => Promise<T>;

/**
 * Runs `task` for every shard listed, `lanes` at a time; a shard that is closing keeps no lane. The first failure stops the others; a real
 * failure says more than the cancels it caused.
 * @param sizes bytes of each shard of the plan; progress is of those listed, and of `before` bytes that were done earlier
 */
export async function eachShard<T>(
  workers: readonly MergeWorker[],
  lanes: number,
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
  const failures: unknown[] = [];
  const waiting = [...shards];
  /** Also those that are closing. */
  const underWay = new Set<Promise<void>>();
  let onFailure = () => {};
  const failed = new Promise<void>((resolve) => {
    onFailure = resolve;
  });
  /** What each shard that is not finished was last said to be at. */
  const phases = new Map<number, Progress['phase']>();
  let settled = false;
  let last: Progress | undefined;

  const whole = (progress: Progress): Progress => ({
    ...progress,
    done: before + [...done.values()].reduce((sum, bytes) => sum + bytes, 0),
    total,
    ...(progress.phase === 'closing' && [...phases.values()].some((phase) => phase !== 'closing')
      ? { phase: 'merging' as const }
      : {}),
    ...(progress.shards ? { finished: progress.shards - shards.length + results.size } : {}),
  });

  /** Ten times a second is enough for every eye, and each wakes the page. */
  let told = Number.NEGATIVE_INFINITY;
  const tell = (news: boolean) => {
    if (!last || (!news && performance.now() - told < 100)) return;
    told = performance.now();
    onProgress(whole(last));
  };

  /** Resolves when the shard needs no lane any more; what becomes of it is in `underWay`. */
  const begin = (worker: MergeWorker, shard: number) =>
    new Promise<void>((free) => {
      const report: OnProgress = (progress) => {
        if (settled) return; // a report may come later than the result
        const news = phases.get(shard) !== progress.phase;
        done.set(shard, progress.done);
        phases.set(shard, progress.phase);
        last = progress;
        tell(news);
        if (progress.phase === 'closing') free();
      };
      const signals = { onProgress: report, signal: stop.signal, pause };
      const work = call(worker, task(worker, shard, signals)).then(
        (result) => {
          results.set(shard, result);
          phases.delete(shard);
          tell(true);
        },
        (error: unknown) => {
          failures.push(error);
          stop.abort();
          onFailure();
        },
      );
      underWay.add(work);
      void work.then(() => {
        underWay.delete(work);
        free();
      });
    });
  const lane = async (worker: MergeWorker) => {
    for (let shard = waiting.shift(); shard !== undefined; shard = waiting.shift()) {
      if (stop.signal.aborted) {
        failures.push(cancelled());
        return;
      }
      await begin(worker, shard);
      while (underWay.size >= MOST_UNDER_WAY * lanes) await Promise.race(underWay);
    }
  };
  const everything = async () => {
    await Promise.all(Array.from({ length: lanes }, (_, i) => lane(workers[i % workers.length]!)));
    await Promise.all(underWay);
  };
  // After a failure nobody waits for a file that takes seconds to close: whoever made the workers ends them.
  await Promise.race([everything(), failed.then(() => afterwards(GRACE_MS))]);
  settled = true;
  signal.removeEventListener('abort', onAbort);
  if (failures.length > 0) throw failures.find((error) => !isCancel(error)) ?? failures[0];
  return results;
}

const afterwards = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
