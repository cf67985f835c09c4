/**
 * `npm run bench merge [--size 30m|125m|1g|1b|4g] [--rounds N]`: RESTA end to end to a real folder, through the page, beside native copies
 * of the same bytes in the same rounds: reading three models and writing one is the least any tool must do. With the renderer's peak memory.
 */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openPage } from '../tools/drive/page.mjs';
import { rendererMegabytes, watchMemory } from './memory.mjs';
import { makeModels } from './models.mjs';
import { interleave, median, printTable, spread } from './table.mjs';

const GB = 1e9;

async function seconds(action) {
  const begun = performance.now();
  await action();
  return (performance.now() - begun) / 1000;
}

export async function benchMerge({ size = '125m', rounds = 3 } = {}) {
  const models = makeModels(size);
  const weights = (role) => join(models[role], 'model.safetensors');
  const copy = join(models.root, 'copy.safetensors');
  const page = await openPage();
  let run = 0;
  const memory = new Map();
  const firstBase = rendererMegabytes(page.profile);
  const merge = (recipe) => () => {
    const name = `out-${run++}`;
    const watch = watchMemory(page.profile);
    page.pick(models.sft, models.aligned, models.unaligned, models.root);
    return seconds(() => page.call('merge', { recipe: { version: 1, ...recipe }, name, backend: 'wasm' })).then(
      (time) => {
        const peaks = memory.get(recipe.method) ?? [];
        memory.set(recipe.method, [...peaks, { base: watch.base, peak: watch.stop().renderer.total }]);
        rmSync(join(models.root, name), { recursive: true, force: true });
        return time;
      },
    );
  };
  const native = () =>
    seconds(async () => {
      for (const role of ['aligned', 'unaligned'])
        spawnSync('cat', [weights(role)], { stdio: ['ignore', 'ignore', 'ignore'] });
      spawnSync('cp', [weights('sft'), copy]);
    });
  try {
    const figures = await interleave(
      {
        'native: cat two models, cp one': native,
        'RESTA g = 1, to a real folder': merge({ method: 'resta', g: 1 }),
        'RESTA_d g = 1, p = 0.3, to a real folder': merge({ method: 'resta_d', g: 1, p: 0.3, seed: 7 }),
      },
      rounds,
    );
    const [baseline] = Object.values(figures);
    printTable(
      `Merge, three bf16 models of ${(models.bytes / GB).toFixed(2)} GB each, ${rounds} interleaved rounds: median (min to max)`,
      ['what', 'seconds', 'GB/s read + written', 'x native'],
      Object.entries(figures).map(([name, times]) => [
        name,
        spread(times),
        ((4 * models.bytes) / GB / median(times)).toFixed(2),
        (median(times) / median(baseline)).toFixed(2),
      ]),
    );
    printTable(
      'Memory of the renderer (PSS, MB): median (min to max)',
      ['what', 'before', 'peak', 'peak over the first base'],
      [...memory].map(([method, found]) => [
        method,
        spread(found.map(({ base }) => base)),
        spread(found.map(({ peak }) => peak)),
        spread(found.map(({ peak }) => peak - firstBase)),
      ]),
    );
  } finally {
    rmSync(copy, { force: true });
    await page.close();
  }
}
