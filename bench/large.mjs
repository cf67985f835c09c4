/**
 * `npm run bench large --family DIR [--workers 1,2] [--methods resta,resta_d] [--shard-bytes N] [--rounds N] [--keep]`: a family of models
 * of any size on the disk (DIR with sft, aligned and unaligned, as tools/large/make.py makes it), merged through the page: the renderer's
 * peak memory over an idle page, and the time beside native copies of the same bytes. Each merge has a browser of its own, so that its idle
 * page is really idle.
 * With --keep the merged folders stay beside the three, for tools/large/check.py.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { openPage } from '../tools/drive/page.mjs';
import { watchMemory } from './memory.mjs';
import { median, printTable, spread } from './table.mjs';

const GB = 1e9;
const ROLES = ['sft', 'aligned', 'unaligned'];
/** After this the page has loaded what it loads by itself. */
const SETTLE_MS = 2000;

const RECIPES = { resta: { method: 'resta', g: 0.5 }, resta_d: { method: 'resta_d', g: 0.5, p: 0.3, seed: 7 } };

function weightsOf(folder) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  return files.map((name) => join(folder, name));
}

const bytesOf = (files) => files.reduce((sum, file) => sum + statSync(file).size, 0);

async function timed(action) {
  const begun = performance.now();
  await action();
  return (performance.now() - begun) / 1000;
}

/** Reads two models and copies the third: the least that any tool must do. */
async function nativeSeconds(root) {
  const copy = join(root, 'native-copy');
  rmSync(copy, { recursive: true, force: true });
  const seconds = await timed(() => {
    for (const role of ROLES.slice(1))
      spawnSync('cat', weightsOf(join(root, role)), { stdio: ['ignore', 'ignore', 'ignore'] });
    spawnSync('cp', ['-r', join(root, 'sft'), copy]);
  });
  rmSync(copy, { recursive: true, force: true });
  return seconds;
}

async function mergeOnce(root, recipe, workers, name) {
  rmSync(join(root, name), { recursive: true, force: true });
  const page = await openPage();
  try {
    await page.page.waitForTimeout(SETTLE_MS);
    const watch = watchMemory(page.profile);
    page.pick(...ROLES.map((role) => join(root, role)), root);
    const { base, browserBase } = watch;
    let result;
    const seconds = await timed(async () => {
      result = await page.call('merge', { recipe: { version: 1, ...recipe }, name, backend: 'wasm', workers });
    });
    return { seconds, base, browserBase, shards: result.shards.length, ...watch.stop() };
  } finally {
    await page.close();
  }
}

function memoryRow(what, runs) {
  const of = (pick) => spread(runs.map(pick));
  return [
    what,
    of(({ base }) => base),
    of(({ renderer }) => renderer.total),
    of(({ base, renderer }) => renderer.total - base),
    `${median(runs.map(({ renderer }) => renderer.anonymous)).toFixed(0)} / ${median(runs.map(({ renderer }) => renderer.shared)).toFixed(0)}`,
    of(({ browser, browserBase }) => browser.total - browserBase),
    median(runs.map(({ samples }) => samples)),
  ];
}

export async function benchLarge({
  family,
  methods = Object.keys(RECIPES),
  workers = [1, 2],
  shardBytes,
  rounds = 1,
  keep = false,
}) {
  if (!family)
    throw new Error('Say --family DIR, a folder with sft, aligned and unaligned (tools/large/make.py makes one).');
  const root = resolve(family);
  const bytes = bytesOf(weightsOf(join(root, 'sft')));
  const native = [];
  const found = new Map();
  for (let round = 0; round < rounds; round++) {
    native.push(await nativeSeconds(root));
    for (const method of methods) {
      const recipe = RECIPES[method];
      for (const count of workers) {
        const name = `merged-${method}-${count}`;
        const run = await mergeOnce(root, { ...recipe, ...(shardBytes && { shardBytes }) }, count, name);
        const what = `${recipe.method}, ${run.shards} shards, ${count} workers`;
        found.set(what, [...(found.get(what) ?? []), run]);
        if (!keep) rmSync(join(root, name), { recursive: true, force: true });
        console.error(`${what}: ${run.seconds.toFixed(1)} s, load ${loadavg()[0].toFixed(1)}`);
      }
    }
  }
  const timeRow = (what, times) => [
    what,
    spread(times),
    ((4 * bytes) / GB / median(times)).toFixed(2),
    (median(times) / median(native)).toFixed(2),
  ];
  printTable(
    `Three models of ${(bytes / GB).toFixed(2)} GB each, ${rounds} rounds: median (min to max)`,
    ['what', 'seconds', 'GB/s read + written', 'x native'],
    [
      timeRow('native: cat two models, cp one', native),
      ...[...found].map(([what, runs]) =>
        timeRow(
          what,
          runs.map(({ seconds }) => seconds),
        ),
      ),
    ],
  );
  printTable(
    'Memory (PSS, MB): median (min to max)',
    [
      'what',
      'idle page',
      'renderer at its peak',
      'over idle',
      'of which anonymous / shared',
      'browser process over idle',
      'samples',
    ],
    [...found].map(([what, runs]) => memoryRow(what, runs)),
  );
}
