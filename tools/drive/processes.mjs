/** The processes of one browser, as Linux shows them in /proc: to measure one, or to see what happens when one is killed. */

import { readdirSync, readFileSync } from 'node:fs';

/** Empty when the process ended meanwhile, or where there is no /proc. */
export function readProcess(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/**
 * @param {string} profile the folder of the browser's profile, which names its main process
 * @returns {{pid: number, type: string}[]} 'browser' is the main one; others are named as Chromium does ("renderer", "gpu-process")
 */
export function processesOf(profile) {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const all = pids.map((pid) => ({
    pid,
    parent: readProcess(pid, 'stat').split(') ')[1]?.split(' ')[1],
    command: readProcess(pid, 'cmdline').replaceAll('\0', ' '),
  }));
  const family = new Set(all.filter(({ command }) => command.includes(profile)).map(({ pid }) => pid));
  for (let grown = true; grown; ) {
    const more = all.filter(({ pid, parent }) => family.has(parent) && !family.has(pid));
    for (const { pid } of more) family.add(pid);
    grown = more.length > 0;
  }
  return all
    .filter(({ pid }) => family.has(pid))
    .map(({ pid, command }) => ({ pid: Number(pid), type: /--type=([\w-]+)/.exec(command)?.[1] ?? 'browser' }));
}
