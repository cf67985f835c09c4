/**
 * The floor of a merge: a page that reads the same files and writes as many bytes, with the browser's interfaces alone (io.worker.ts): no
 * arithmetic, no hash, no code of the project. In the shape that `npm run bench io` found best.
 */

import { relative } from 'node:path';
import { openDevPage } from '../tools/drive/dev-page.mjs';
import { weightFiles } from './weights.mjs';

/** One worker, four files at a time: two workers, or eight files, are no faster on two cores. */
export const SHAPE = { threads: 1, lanes: 4, chunk: 4 << 20 };

/**
 * A page to be measured: `run` gives the seconds of one floor.
 * @returns {Promise<{run(job: object): Promise<number>, close(): Promise<void>, profile: string}>}
 */
export async function openFloor() {
  const page = await openDevPage();
  await page.load('/bench/io-page.ts');
  const run = async ({ sft, aligned, unaligned, out, kind, shards }) => {
    page.pick(out);
    await page.page.evaluate(() => window.benchIo.open());
    page.pick(sft, aligned, unaligned);
    const models = [sft, aligned, unaligned].map((folder) => weightFiles(folder).map((file) => relative(folder, file)));
    const { seconds } = await page.page.evaluate(
      ([models, way, shape]) => window.benchIo.floorOf(models, way, shape),
      [models, kind === 'browser' ? 'opfs' : 'writable', { ...SHAPE, files: shards }],
    );
    return seconds;
  };
  return { run, close: page.close, profile: page.profile };
}
