/**
 * Memory of the page's renderer as the system sees it (Linux: /proc), sampled while something runs. PSS: pages shared with other processes
 * count by their part. Workers live in the renderer, so they are in it; the browser's own process is not.
 */

import { readdirSync, readFileSync } from 'node:fs';

const MB = 1e6;

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process ended meanwhile, or this is no Linux
  }
}

/** Ids of the renderers of the browser that uses this profile. */
function renderersOf(profile) {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const processes = pids.map((pid) => ({ pid, parent: parentOf(pid), command: read(`/proc/${pid}/cmdline`) }));
  const family = new Set(processes.filter(({ command }) => command.includes(profile)).map(({ pid }) => pid));
  for (let grown = true; grown; ) {
    const more = processes.filter(({ pid, parent }) => family.has(parent) && !family.has(pid));
    for (const { pid } of more) family.add(pid);
    grown = more.length > 0;
  }
  return processes
    .filter(({ pid, command }) => family.has(pid) && command.includes('--type=renderer'))
    .map(({ pid }) => pid);
}

function parentOf(pid) {
  return read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1];
}

/** Megabytes of all renderers together. */
export function rendererMegabytes(profile) {
  const sizes = renderersOf(profile).map((pid) =>
    Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1]),
  );
  return (sizes.reduce((sum, size) => sum + (size || 0), 0) * 1024) / MB;
}

/**
 * @param {string} profile the folder of the browser's profile, which names its processes
 * @returns a sampler; `base` is what there was at the start, `stop()` gives the peak, both in megabytes
 */
export function watchMemory(profile, intervalMs = 100) {
  const base = rendererMegabytes(profile);
  let peak = base;
  const timer = setInterval(() => {
    peak = Math.max(peak, rendererMegabytes(profile));
  }, intervalMs);
  return {
    base,
    stop() {
      clearInterval(timer);
      return Math.max(peak, rendererMegabytes(profile));
    },
  };
}
