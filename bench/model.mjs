/**
 * `npm run bench model [--rounds N]`: the built-in fine-tune on the CPU backend, through the page's own worker: time to a ready model,
 * and tokens/s by batch size and threads. What the answers are worth is checked in test/browser/model-demo.test.ts. Then, where there is
 * WebGPU, another strength: in place on the device against anew, and for the weights of a model of 135 million (a tenth of them on a
 * software adapter) against copying them there.
 */

import { openDevPage } from '../tools/drive/dev-page.mjs';
import { interleave, median, printTable, spread } from './table.mjs';

const THREADS = [1, 2];
const BATCHES = [1, 16, 32, 64, 128];
const PROMPTS = 128;
/** One by one they take as long as the rest together. */
const PROMPTS_ALONE = 32;

export async function benchModel({ rounds = 3 } = {}) {
  const dev = await openDevPage();
  const call = (name, ...args) => dev.page.evaluate(([name, args]) => window.benchModel[name](...args), [name, args]);
  try {
    await dev.load('/bench/model-page.ts');
    await call('open');
    await benchLoad(call, rounds);
    await benchSpeed(call, rounds);
    await benchStrength(dev, rounds);
  } finally {
    await dev.close();
  }
}

async function benchLoad(call, rounds) {
  const first = [];
  const again = [];
  for (let round = 0; round < rounds; round++) {
    const times = await call('load', { backend: 'wasm', threads: 1 });
    first.push(times.first);
    again.push(times.again);
  }
  printTable(
    'Loading the built-in fine-tune (a merge of the slider pays the second line)',
    ['what', 'time'],
    [
      ['in a new worker', spread(first, ' ms')],
      ['in a worker that has loaded one', spread(again, ' ms')],
    ],
  );
}

async function benchSpeed(call, rounds) {
  const cases = {};
  for (const batch of BATCHES) {
    for (const threads of THREADS) {
      const count = batch === 1 ? PROMPTS_ALONE : PROMPTS;
      cases[`${batch} ${threads}`] = () => call('speed', { backend: 'wasm', threads }, batch, count);
    }
  }
  // A round nobody counts: WebAssembly is compiled a second time, better, while it runs.
  await interleave(cases, 1);
  const figures = await interleave(cases, rounds);
  const alone = median(figures['1 1']);
  printTable(
    'Greedy answers to held-out prompts, tokens/s',
    ['batch', ...THREADS.map((threads) => `${threads} thread${threads > 1 ? 's' : ''}`), 'against batch 1, 1 thread'],
    BATCHES.map((batch) => [
      batch,
      ...THREADS.map((threads) => spread(figures[`${batch} ${threads}`])),
      `${(Math.max(...THREADS.map((threads) => median(figures[`${batch} ${threads}`]))) / alone).toFixed(1)}x`,
    ]),
  );
}

async function benchStrength(dev, rounds) {
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
