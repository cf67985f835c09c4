/**
 * Memory of processes as the system sees it (Linux: /proc), sampled from outside while something runs. PSS: pages shared with other
 * processes count by their part. Workers live in the renderer, so they are in it.
 */

import { existsSync } from 'node:fs';
import { processesOf, readProcess } from '../tools/drive/processes.mjs';

const MB = 1e6;
/** Samples between two looks at which processes there are: finding them reads all of /proc, and workers start no process. */
const SAMPLES_PER_SEARCH = 10;

const KINDS = { total: 'Pss', anonymous: 'Pss_Anon', shared: 'Pss_Shmem', files: 'Pss_File' };

/** Megabytes of these processes together: in all, and of what sort (anonymous is heap and buffers, shared is what passes between processes). */
function sizesOf(processes) {
  const rollups = processes.map(({ pid }) => readProcess(pid, 'smaps_rollup'));
  const sum = (key) => {
    const found = rollups.map((text) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0));
    return (found.reduce((total, size) => total + size, 0) * 1024) / MB;
  };
  return Object.fromEntries(Object.entries(KINDS).map(([kind, key]) => [kind, sum(key)]));
}

/**
 * @param {() => {pid: number, type: string}[]} find the processes; those of one type are added up
 * @returns a sampler; `stop()` gives what there was at its start and at the peak of each type: idle and peaks, each {TYPE: {total,
 *   anonymous, shared, files}}, all in megabytes; {} where there is no /proc
 */
export function watchProcesses(find, intervalMs = 100) {
  const peaks = {};
  let processes = [];
  let samples = 0;
  const sample = () => {
    if (samples++ % SAMPLES_PER_SEARCH === 0) processes = existsSync('/proc') ? find() : [];
    for (const type of new Set(processes.map((process) => process.type))) {
      const now = sizesOf(processes.filter((process) => process.type === type));
      if (!(peaks[type]?.total >= now.total)) peaks[type] = now;
    }
  };
  sample();
  const idle = { ...peaks };
  const timer = setInterval(sample, intervalMs);
  return {
    stop() {
      clearInterval(timer);
      sample();
      return { idle, peaks };
    },
  };
}

/** Types worth a column: zygotes and crash handlers do nothing while a merge runs. */
const WATCHED = new Set(['browser', 'renderer', 'gpu-process', 'utility']);

/** @param {string} profile the folder of the browser's profile, which names its processes */
export const watchMemory = (profile, intervalMs) =>
  watchProcesses(() => processesOf(profile).filter(({ type }) => WATCHED.has(type)), intervalMs);
