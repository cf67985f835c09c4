/**
 * `npm run bench merge`: models merged end to end through the page, beside what the same bytes cost without it. bench.mjs tells the options.
 * All cases run once per round, in turn, so that what else the machine does hits all alike; the figures of merge-report.mjs are medians.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { buildIfStale } from '../tools/run/build.mjs';
import { CASES } from './cases.mjs';
import { reportMerge } from './merge-report.mjs';
import { makeModels, ROLES } from './models.mjs';
import { diskKilobytesRead } from './processor.mjs';
import { tensorDigest, warm, weightBytes } from './weights.mjs';

/** Of the safety vector in every case; no power of two, so that products are rounded. */
const G = 0.7;

/** Models that are there, or made by script: {size, root, sft, aligned, unaligned, bytes}. */
function familiesOf({ family, sizes, inputFiles }) {
  if (!family) return sizes.map((size) => ({ size, ...makeModels(size, inputFiles) }));
  const root = resolve(family);
  const folders = Object.fromEntries(ROLES.map((role) => [role, join(root, role)]));
  for (const folder of Object.values(folders)) if (!existsSync(folder)) throw new Error(`There is no ${folder}.`);
  return [{ size: basename(root), root, ...folders, bytes: weightBytes(folders.sft) }];
}

/** Names of the cases that can run here; says what the others lack. */
function choose(names, python) {
  const unknown = names.filter((name) => !(name in CASES));
  if (unknown.length > 0) throw new Error(`There is no case "${unknown[0]}": choose ${Object.keys(CASES).join(', ')}.`);
  return Object.keys(CASES).filter((name) => {
    if (!names.includes(name)) return false;
    const why = CASES[name].missing?.(python);
    if (why) console.log(`Without ${CASES[name].title}: ${why}.`);
    return !why;
  });
}

/** Names of the cases whose weights are compared. */
const COMPARED = new Set(Object.entries(CASES).flatMap(([name, { sameAs }]) => (sameAs ? [name, sameAs] : [])));

/** One case, once. What it wrote is gone afterwards, and so is what the system still had to write for those before. */
async function runCase(name, job, { keep, compare }) {
  rmSync(job.out, { recursive: true, force: true });
  spawnSync('sync');
  const before = diskKilobytesRead();
  try {
    const found = await CASES[name].run(job);
    const fromDisk = (diskKilobytesRead() - before) * 1024;
    const digest = compare && COMPARED.has(name) ? tensorDigest(job.out) : undefined;
    return { ...found, fromDisk, load: loadavg()[0], ...(digest && { digest }) };
  } finally {
    if (!keep) for (const path of [job.out, `${job.out}.yaml`]) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * @param {{sizes?: string[], inputFiles?: number, family?: string, cases?: string[], rounds?: number, workers?: number, shardBytes?: number,
 *   backend?: string, python?: string, dir?: string, keep?: boolean}} options as bench.mjs tells
 */
export async function benchMerge({
  sizes = ['125m'],
  inputFiles = 1,
  family,
  cases = Object.keys(CASES),
  rounds = 3,
  workers,
  shardBytes,
  backend = 'auto',
  python = '/usr/bin/python3',
  dir,
  keep = false,
} = {}) {
  const names = choose(cases, python);
  await buildIfStale(); // not inside a case
  const families = familiesOf({ family, sizes, inputFiles });
  /** size → case → runs, and what went wrong */
  const results = families.map((one) => ({
    ...one,
    runs: new Map(names.map((name) => [name, []])),
    failures: new Map(),
  }));
  for (const { sft, aligned, unaligned } of families) [sft, aligned, unaligned].forEach(warm);
  for (let round = 0; round < rounds; round++) {
    for (const { size, root, sft, aligned, unaligned, runs, failures } of results) {
      const parent = dir ? resolve(dir) : root;
      mkdirSync(parent, { recursive: true });
      let shards = 1;
      for (const name of names) {
        const out = join(parent, `merged-${size}-${name}`);
        const job = { sft, aligned, unaligned, out, shards, python, backend, workers, shardBytes, g: G };
        try {
          const run = await runCase(name, job, { keep, compare: round === 0 });
          runs.get(name).push({ ...run, round });
          shards = run.shards ?? shards;
          console.error(
            `round ${round + 1}, ${size}, ${CASES[name].title}: ${run.seconds.toFixed(2)} s, load ${run.load.toFixed(1)}`,
          );
        } catch (error) {
          failures.set(name, error.message);
          console.error(`round ${round + 1}, ${size}, ${CASES[name].title}: ${error.message}`);
        }
      }
    }
  }
  reportMerge(results, { rounds, dir: dir ?? families[0].root });
  if (results.some(({ failures }) => failures.size > 0)) throw new Error('Not every case could be measured.');
}
