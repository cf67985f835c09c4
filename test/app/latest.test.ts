import { describe, expect, test } from 'vitest';
import { latestWins, type Queue } from '../../src/app/latest.ts';
import { cancelled } from '../../src/core/errors.ts';

interface Run {
  key: string;
  finish(): void;
  fail(error: unknown): void;
  aborted: boolean;
}

/** A queue whose runs the test ends by hand; an aborted run rejects, as models do. */
function watched() {
  const runs: Run[] = [];
  const done: string[] = [];
  const failed: [string, unknown][] = [];
  const queue: Queue<string> = latestWins<string, string>({
    run: (key, signal) =>
      new Promise((resolve, reject) => {
        const run: Run = { key, finish: () => resolve(key), fail: reject, aborted: false };
        signal.addEventListener('abort', () => {
          run.aborted = true;
          reject(cancelled());
        });
        runs.push(run);
      }),
    onDone: (key) => done.push(key),
    onFailed: (key, error) => failed.push([key, error]),
  });
  const settle = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  const last = () => runs.at(-1)!;
  return { queue, runs, done, failed, settle, last };
}

describe('latest wins', () => {
  test('a newer wish cancels the older one and runs instead', async () => {
    const { queue, runs, done, settle, last } = watched();
    queue.want('0.5');
    await settle();
    queue.want('0.6');
    await settle();
    expect(runs.map(({ key, aborted }) => [key, aborted])).toEqual([
      ['0.5', true],
      ['0.6', false],
    ]);
    last().finish();
    await queue.idle();
    expect(done).toEqual(['0.6']);
  });

  test('of many wishes in a row only the last is run after the first', async () => {
    const { queue, runs, settle } = watched();
    queue.want('a');
    await settle();
    for (const key of ['b', 'c', 'd']) queue.want(key);
    await settle();
    expect(runs.map(({ key }) => key)).toEqual(['a', 'd']);
  });

  test('wishing again for what runs does not start it anew', async () => {
    const { queue, runs, settle } = watched();
    queue.want('a');
    await settle();
    queue.want('a');
    await settle();
    expect(runs).toHaveLength(1);
    expect(runs[0]!.aborted).toBe(false);
  });

  test('what is known is not run again', async () => {
    const { queue, runs, settle, last } = watched();
    queue.want('a');
    await settle();
    last().finish();
    await queue.idle();
    queue.want('a');
    await queue.idle();
    expect(runs).toHaveLength(1);
  });

  test('wishing for something known leaves the running one alone', async () => {
    const { queue, runs, settle, last } = watched();
    queue.want('a');
    await settle();
    last().finish();
    await queue.idle();
    queue.later(['b']);
    await settle();
    queue.want('a');
    await settle();
    expect(runs.map(({ key, aborted }) => [key, aborted])).toEqual([
      ['a', false],
      ['b', false],
    ]);
  });

  test('background work is interrupted by a wish and taken up again after it', async () => {
    const { queue, runs, done, settle, last } = watched();
    queue.later(['1', '2']);
    await settle();
    queue.want('0.3');
    await settle();
    last().finish();
    await settle();
    last().finish();
    await settle();
    last().finish();
    await queue.idle();
    expect(runs.map(({ key }) => key)).toEqual(['1', '0.3', '1', '2']);
    expect(done).toEqual(['0.3', '1', '2']);
  });

  test('a failure is told once and does not stop the rest', async () => {
    const { queue, runs, done, failed, settle, last } = watched();
    queue.later(['1', '2']);
    await settle();
    const why = new Error('out of memory');
    last().fail(why);
    await settle();
    last().finish();
    await queue.idle();
    expect(failed).toEqual([['1', why]]);
    expect(done).toEqual(['2']);
    expect(runs).toHaveLength(2);
  });

  test('a cancel that came from elsewhere is no failure and is not tried in circles', async () => {
    const { queue, runs, failed, settle, last } = watched();
    queue.want('a');
    await settle();
    last().fail(cancelled());
    await queue.idle();
    expect(failed).toEqual([]);
    expect(runs).toHaveLength(1);
  });

  test('stop cancels what runs and forgets what waits', async () => {
    const { queue, runs, settle } = watched();
    queue.later(['1', '2']);
    await settle();
    queue.stop();
    await queue.idle();
    expect(runs.map(({ key, aborted }) => [key, aborted])).toEqual([['1', true]]);
  });
});
