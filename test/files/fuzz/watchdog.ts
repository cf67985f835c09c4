/**
 * Looks after a fuzz run from a second thread, because a parser that never returns also stops every timer of its own. Ends the process when a
 * case does not end, after telling which, and keeps the most memory the process ever had.
 */

import { Worker } from 'node:worker_threads';

/** Silence that counts as a hang: a case takes well under a millisecond, and minutes are left for a machine that does other things. */
const SILENCE_SECONDS = 120;

const THREAD = `
const { workerData } = require('node:worker_threads');
const { state, names, silence } = workerData;
let last = -1;
let since = Date.now();
setInterval(() => {
  const megabytes = Math.ceil(process.memoryUsage.rss() / 1e6);
  if (megabytes > Atomics.load(state, 3)) Atomics.store(state, 3, megabytes);
  const beat = Atomics.load(state, 0);
  if (beat !== last) { last = beat; since = Date.now(); return; }
  if (Date.now() - since < 1000 * silence) return;
  require('node:fs').writeSync(2, 'This case does not end: FUZZ_CASE=' + names[Atomics.load(state, 1)] + ':' + Atomics.load(state, 2) + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, 20);
`;

export interface Watchdog {
  /** A case begins. */
  beat(name: string, number: number): void;
  /** The most since it was asked last, in MB (resident set of the process). */
  peakMegabytes(): number;
  stop(): Promise<unknown>;
}

export function watch(names: readonly string[]): Watchdog {
  const state = new Int32Array(new SharedArrayBuffer(16));
  const worker = new Worker(THREAD, { eval: true, workerData: { state, names, silence: SILENCE_SECONDS } });
  return {
    beat(name, number) {
      Atomics.store(state, 1, names.indexOf(name));
      Atomics.store(state, 2, number);
      Atomics.add(state, 0, 1);
    },
    peakMegabytes: () => Math.max(Atomics.exchange(state, 3, 0), Math.ceil(process.memoryUsage.rss() / 1e6)),
    stop: () => worker.terminate(),
  };
}
