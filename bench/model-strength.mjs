/**
 * Another strength of a merge, where there is WebGPU: of the built-in fine-tune, in place on the device against anew, and for the weights of a
 * model of 135 million (a tenth of them on a software adapter) against copying them there.
 */

import { openDevPage } from '../tools/drive/dev-page.mjs';
import { interleave, median, printTable, spread } from './table.mjs';

export async function benchStrength({ rounds = 3 } = {}) {
  const dev = await openDevPage();
  try {
    await measure(dev, rounds);
  } finally {
    await dev.close();
  }
}

async function measure(dev, rounds) {
  await dev.load('/bench/strength-page.ts');
  const call = (name, ...args) =>
    dev.page.evaluate(([name, args]) => window.benchStrength[name](...args), [name, args]);
  const adapter = await call('adapter');
  if (!adapter) {
    console.log('\nNo WebGPU here, so no strength is set in place.');
    return;
  }
  let turn = 0;
  const another = (backend, adjustable) => () => call('another', backend, adjustable, 0.1 * (1 + (turn++ % 9)));
  const cases = {
    'on the CPU: merged in memory, a new session': another('wasm', false),
    [`on ${adapter}: merged in memory, a new session`]: another('webgpu', false),
    [`on ${adapter}: in place`]: another('webgpu', true),
  };
  await interleave(cases, 1); // loads the models, compiles
  const figures = await interleave(cases, rounds);
  const inPlace = median(Object.values(figures).at(-1));
  printTable(
    'Another strength of the built-in fine-tune, ready to answer',
    ['how', 'time', 'x in place'],
    Object.entries(figures).map(([name, times]) => [name, spread(times, ' ms'), (median(times) / inPlace).toFixed(1)]),
  );
  const elements = await call('openLarge');
  const large = { copied: () => call('copyLarge'), merged: () => call('mergeLarge', 0.1 * (1 + (turn++ % 9))) };
  await interleave(large, 1);
  const { copied, merged } = await interleave(large, rounds);
  // Bytes read and written: 8 per weight of a copy, 12 of a merge.
  const row = (name, times, bytes) => {
    const gigabytes = (bytes * elements) / 1e9;
    const speed = `${((1000 * gigabytes) / median(times)).toPrecision(3)} GB/s`;
    return [name, spread(times, ' ms'), speed, (median(times) / median(copied)).toFixed(1)];
  };
  printTable(
    `${(elements / 1e6).toFixed(0)} million weights on ${adapter}`,
    ['what', 'time', 'read and written', 'x the copy'],
    [row('copied there as they are', copied, 8), row('merged in place, bfloat16', merged, 12)],
  );
}
