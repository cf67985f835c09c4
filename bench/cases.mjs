/**
 * What `npm run bench merge` runs: ways to bring three models and a recipe to one merged model, and the floors beside them. Each case says
 * what it cannot do without, works into a folder of its own and gives its figures:
 * {seconds, cpu?: {total, TYPE…}, memory?, shards?, workers?, backend?}; seconds are those of the work alone, without the
 * start of the browser or Python's imports.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { openPage } from '../tools/drive/page.mjs';
import { openFloor } from './floor.mjs';
import { watchMemory } from './memory.mjs';
import { ROLES } from './models.mjs';
import { childSeconds, watchProcessor } from './processor.mjs';
import { cannotImport, limited, pythonProgram, script } from './programs.mjs';
import { weightBytes, weightFiles } from './weights.mjs';

/**
 * What a case gets: the folders of the three models, `out`, which does not exist yet, `shards`, as many as the page wrote last, and the
 * options of the call.
 * @typedef {{sft: string, aligned: string, unaligned: string, out: string, shards: number, python: string, backend: string,
 *   workers?: number, shardBytes?: number, g: number}} Job
 */

/** After this the page has loaded what it loads by itself, and its memory and processor time are those of an idle page. */
const SETTLE_MS = 2000;
/** A case that hangs must not take the whole benchmark with it: two minutes, and what reading and writing take at 20 MB/s. */
const limitMs = (job) => Math.round(120_000 + (4 * weightBytes(job.sft)) / 20_000);

/** One piece of work in a browser of its own, so that its idle page is really idle; the browser's start is not in its time. */
async function inBrowser(open, job, work) {
  const page = await open();
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const memory = watchMemory(page.profile);
    const processor = watchProcessor(page.profile);
    const begun = performance.now();
    let figures;
    const result = await limited(work(page), limitMs(job)).finally(() => {
      figures = { seconds: (performance.now() - begun) / 1000, cpu: processor(), memory: memory.stop() };
    });
    return { ...figures, ...result };
  } finally {
    await page.close();
  }
}

/** @param {'folder'|'browser'} kind a real folder, or the browser's own storage */
function merge(recipe, kind) {
  const run = (job) =>
    inBrowser(openPage, job, async (page) => {
      const { out, backend, workers, shardBytes, g } = job;
      const folders = ROLES.map((role) => job[role]);
      page.pick(...folders, ...(kind === 'folder' ? [dirname(out)] : []));
      const made = await page.call('merge', {
        recipe: { version: 1, g, ...recipe, ...(shardBytes && { shardBytes }) },
        name: out.slice(dirname(out).length + 1),
        backend,
        ...(workers && { workers }),
        stored: kind === 'browser',
      });
      return { shards: made.shards.length, workers: made.workers, backend: `${made.backend} (${made.choice.why})` };
    });
  return { floor: `floor${kind === 'browser' ? '-browser' : ''}`, run };
}

/** The browser's own reading and writing of the same bytes, by hand: no arithmetic, no hash. */
function floor(kind) {
  const run = async (job) => {
    mkdirSync(job.out);
    return inBrowser(openFloor, job, async (page) => ({ seconds: await page.run({ ...job, kind }) }));
  };
  return { run };
}

/** Its last line tells the seconds of the work itself (python/measured.py). */
async function pythonWork(job, args) {
  const { said, memory } = await pythonProgram(job.python, args, limitMs(job));
  return { seconds: said.seconds, cpu: { total: said.cpu }, memory };
}

/** The least that any tool must do, by the system's own: two models read, the third copied. */
async function native({ sft, aligned, unaligned, out }) {
  mkdirSync(out);
  const before = childSeconds();
  const begun = performance.now();
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };
  const reading = spawnSync('cat', [...weightFiles(aligned), ...weightFiles(unaligned)], quiet);
  // Some file systems would only note that the copy is the same.
  const copying = spawnSync(
    'cp',
    [...(process.platform === 'linux' ? ['--reflink=never'] : []), ...weightFiles(sft), out],
    quiet,
  );
  const seconds = (performance.now() - begun) / 1000;
  if (reading.status !== 0 || copying.status !== 0) throw new Error('cat or cp failed.');
  return { seconds, cpu: { total: childSeconds() - before } };
}

/** RESTA as mergekit knows it: task arithmetic over the unaligned model, in float32, which adds in another order: a few weights end one step off. */
const mergekitConfig = ({ sft, aligned, unaligned, g }) => ({
  merge_method: 'task_arithmetic',
  base_model: unaligned,
  models: [
    { model: sft, parameters: { weight: 1 } },
    { model: aligned, parameters: { weight: g } },
  ],
  parameters: { normalize: false },
  dtype: 'float32',
  out_dtype: 'bfloat16',
});

async function mergekit(job) {
  const config = `${job.out}.yaml`;
  writeFileSync(config, JSON.stringify(mergekitConfig(job))); // which is YAML too
  return pythonWork(job, [script('run_mergekit.py'), config, job.out]);
}

/**
 * In the order in which a round runs them: a floor needs to know how many files the page wrote. `sameAs` names the case whose weights these
 * must equal, byte for byte; `floor` the one that does the same reads and writes alone. A method of the page is a row here.
 * @type {Record<string, {title: string, run: (job: Job) => Promise<object>, missing?: (python: string) => string | undefined, floor?: string, sameAs?: string}>}
 */
export const CASES = {
  resta: { title: 'RESTA, to a folder', sameAs: 'pytorch', ...merge({ method: 'resta' }, 'folder') },
  floor: { title: 'floor: the same reads and writes, to a folder', ...floor('folder') },
  resta_d: { title: 'RESTA_d, to a folder', ...merge({ method: 'resta_d', p: 0.3, seed: 7 }, 'folder') },
  'resta-browser': { title: "RESTA, to the browser's storage", ...merge({ method: 'resta' }, 'browser') },
  'floor-browser': { title: "floor: the same, to the browser's storage", ...floor('browser') },
  native: { title: 'native: cat two models, cp one', run: native },
  pytorch: {
    title: 'PyTorch loop',
    missing: (python) => cannotImport(python, 'torch, safetensors'),
    run: (job) =>
      pythonWork(job, [script('merge_loop.py'), job.sft, job.aligned, job.unaligned, job.out, String(job.g)]),
  },
  mergekit: {
    title: 'mergekit',
    missing: (python) => {
      const why = cannotImport(python, 'mergekit');
      return why && `${why}; \`pip install mergekit\` there, or say another with --python`;
    },
    run: mergekit,
  },
};
