/**
 * Memory of processes as the system sees it (Linux: /proc), sampled from outside while something runs. PSS: pages shared with other
 * processes count by their part. Workers live in the renderer, so they are in it; a browser has spare renderers, too, which are not the page's.
 */

import { existsSync } from 'node:fs';
import { processesOf, readProcess } from '../tools/drive/processes.mjs';

const MB = 1e6;
/** Samples between two looks at which processes there are: finding them reads all of /proc, and workers start no process. */
const SAMPLES_PER_SEARCH = 10;

const KINDS = { total: 'Pss', anonymous: 'Pss_Anon', shared: 'Pss_Shmem', files: 'Pss_File' };

/** Megabytes on a line of one of /proc's tables. */
function megabytes(table, key) {
  return (Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(table)?.[1] ?? 0) * 1024) / MB;
}

/** In all, and of what sort: anonymous is heap and buffers, shared is what passes between processes. */
function sizesOf(pid) {
  const table = readProcess(pid, 'smaps_rollup');
  return Object.fromEntries(Object.entries(KINDS).map(([kind, key]) => [kind, megabytes(table, key)]));
}

/**
 * How much more must be resident before PSS is asked for again: that takes the system 2 to 4 ms per process, a fifth of a core at ten times
 * a second with all of a browser's, where the resident size takes 0.02 ms.
 */
const GROWTH = 1.01;

/** Of each type the process that grew most: the one that did the work, among several renderers. */
function busiest(watched) {
  const found = {};
  const grown = ({ idle, peak }) => peak.total - idle.total;
  for (const one of watched) if (!(grown(found[one.type] ?? one) > grown(one))) found[one.type] = one;
  return found;
}

/**
 * @param {() => {pid: number, type: string}[]} find the processes
 * @returns a sampler; `stop()` gives, of each type, the process that grew most: {TYPE: {idle, peak}}, what it had when it was first seen and
 *   at its peak, each {total, anonymous, shared, files} in megabytes; {} where there is no /proc
 */
export function watchProcesses(find, intervalMs = 100) {
  const watched = new Map();
  let processes = [];
  let samples = 0;
  const sample = () => {
    if (samples++ % SAMPLES_PER_SEARCH === 0) processes = existsSync('/proc') ? find() : [];
    for (const { pid, type } of processes) {
      const resident = megabytes(readProcess(pid, 'status'), 'VmRSS');
      const known = watched.get(pid);
      if (known && resident < known.resident * GROWTH) continue;
      const now = sizesOf(pid);
      const { idle, peak } = known ?? { idle: now, peak: now };
      watched.set(pid, { type, resident, idle, peak: peak.total > now.total ? peak : now });
    }
  };
  sample();
  const timer = setInterval(sample, intervalMs);
  return {
    stop() {
      clearInterval(timer);
      sample();
      return busiest(watched.values());
    },
  };
}

/** Types worth a column: zygotes and crash handlers do nothing while a merge runs. */
const WATCHED = new Set(['browser', 'renderer', 'gpu-process', 'utility']);

/** @param {string} profile the folder of the browser's profile, which names its processes */
export const watchMemory = (profile, intervalMs) =>
  watchProcesses(() => processesOf(profile).filter(({ type }) => WATCHED.has(type)), intervalMs);
