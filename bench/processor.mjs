/** Processor time as the system counts it (Linux: /proc, in steps of 10 ms); undefined where it does not tell. */

import { existsSync } from 'node:fs';
import { processesOf, readProcess } from '../tools/drive/processes.mjs';

/** Linux tells times in hundredths of a second, whatever its own clock does. */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/PID/stat after the name, which may hold anything: user and system time are the 12th and 13th, of ended children the next two. */
function ticks(pid, first) {
  const fields = readProcess(pid, 'stat').split(') ').pop().split(' ');
  return (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND;
}

const processes = (profile) => (existsSync('/proc') ? processesOf(profile) : []);

/**
 * Starts counting the processor time of a browser's processes.
 * @param {string} profile the folder of its profile
 * @returns {() => Record<string, number> | undefined} seconds since then by type of process, and `total`; a process that ended meanwhile is
 *   left out
 */
export function watchProcessor(profile) {
  const before = new Map(processes(profile).map(({ pid }) => [pid, ticks(pid, 11)]));
  return () => {
    if (before.size === 0) return undefined;
    const used = { total: 0 };
    for (const { pid, type } of processes(profile)) {
      const seconds = ticks(pid, 11) - (before.get(pid) ?? 0);
      if (Number.isNaN(seconds)) continue;
      used[type] = (used[type] ?? 0) + seconds;
      used.total += seconds;
    }
    return used;
  };
}

/** Seconds of all children of this process that have ended and been waited for. */
export function childSeconds() {
  return ticks('self', 13);
}

/** Kilobytes that the whole system has read from its disks since it started. */
export function diskKilobytesRead() {
  return Number(/^pgpgin (\d+)/m.exec(readProcess('', 'vmstat'))?.[1]);
}
