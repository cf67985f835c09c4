/**
 * Memory of the page's processes as the system sees it (Linux: /proc), sampled from outside while something runs. PSS: pages shared with
 * other processes count by their part. Workers live in the renderer, so they are in it.
 */

import { processesOf, readProcess } from '../tools/drive/processes.mjs';

const MB = 1e6;
/** Samples between two looks at which processes there are: finding them reads all of /proc, and workers start no process. */
const SAMPLES_PER_SEARCH = 10;

const KINDS = { total: 'Pss', anonymous: 'Pss_Anon', shared: 'Pss_Shmem', files: 'Pss_File' };

/** Megabytes of these processes together: in all, and of what sort (anonymous is heap and buffers, shared is what passes between processes). */
function sizesOf(pids) {
  const rollups = pids.map((pid) => readProcess(pid, 'smaps_rollup'));
  const sum = (key) => {
    const found = rollups.map((text) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0));
    return (found.reduce((total, size) => total + size, 0) * 1024) / MB;
  };
  return Object.fromEntries(Object.entries(KINDS).map(([kind, key]) => [kind, sum(key)]));
}

const pidsOf = (processes, type) => processes.filter((process) => process.type === type).map(({ pid }) => pid);

/** Megabytes of all renderers together. */
export function rendererMegabytes(profile) {
  return sizesOf(pidsOf(processesOf(profile), 'renderer')).total;
}

/**
 * @param {string} profile the folder of the browser's profile, which names its processes
 * @returns a sampler; `base` is what there was at the start, `stop()` gives the sizes at the peak of the renderers, and at the peak of the
 *   browser's main process: {base, renderer: {total, anonymous, shared, files}, browser: {…}, samples}, all in megabytes
 */
export function watchMemory(profile, intervalMs = 100) {
  const peaks = {};
  let processes = [];
  let samples = 0;
  const sample = () => {
    if (samples++ % SAMPLES_PER_SEARCH === 0) processes = processesOf(profile);
    for (const type of ['renderer', 'browser']) {
      const now = sizesOf(pidsOf(processes, type));
      if (!(peaks[type]?.total >= now.total)) peaks[type] = now;
    }
  };
  sample();
  const base = peaks.renderer.total;
  const browserBase = peaks.browser.total;
  const timer = setInterval(sample, intervalMs);
  return {
    base,
    browserBase,
    stop() {
      clearInterval(timer);
      sample();
      return { ...peaks, samples };
    },
  };
}
