/**
 * Memory of the page's renderer as the system sees it (Linux: /proc), sampled while something runs. PSS: pages shared with other processes
 * count by their part. Workers live in the renderer, so they are in it; the browser's own process is not.
 */

import { processesOf, readProcess } from '../tools/drive/processes.mjs';

const MB = 1e6;

/** Megabytes of all renderers together. */
export function rendererMegabytes(profile) {
  const renderers = processesOf(profile).filter(({ type }) => type === 'renderer');
  const sizes = renderers.map(({ pid }) => Number(/^Pss:\s+(\d+)/m.exec(readProcess(pid, 'smaps_rollup'))?.[1] ?? 0));
  return (sizes.reduce((sum, size) => sum + size, 0) * 1024) / MB;
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
