/** The WebGPU kernels in a real browser, on whatever adapter it has: the oracle's bytes and counts, and WebAssembly's, for every op and type. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FloatDtype } from '../../src/core/dtype.ts';
import { openTestPage } from './in-page.ts';

const TYPES: FloatDtype[] = ['F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2', 'F64'];
const INPUTS = {
  'add-scaled-difference': 3,
  'drop-and-add-scaled-difference': 3,
  'add-scaled': 2,
  'drop-and-add-scaled': 3,
  difference: 2,
  convert: 1,
};
const KINDS = Object.keys(INPUTS) as (keyof typeof INPUTS)[];
/** One, around a group of the mask, around what one invocation and one workgroup do, and more than one workgroup. */
const LENGTHS = [0, 1, 2, 3, 4, 5, 15, 16, 17, 1023, 1025, 4097];
/** Phases of the mask: within a group, across an index of 2^32, across a counter's lower word, far beyond. */
const FIRSTS = [0, 1, 5, 15, 16, 2 ** 32 - 3, 2 ** 34 - 21, 2 ** 45 + 9];

let dev: Awaited<ReturnType<typeof openTestPage>>;
let webgpu = false;
const inPage: typeof dev.inPage = (...call) => dev.inPage(...call);

beforeAll(async () => {
  dev = await openTestPage('/test/browser/kernels-webgpu-page.ts');
  webgpu = await inPage('hasWebGpu');
});
afterAll(() => dev?.close());

describe('on WebGPU as by the oracle and in WebAssembly', () => {
  test.for(KINDS)('%s of every type, at odd lengths, addresses and phases of the mask', async (kind, { skip }) => {
    if (!webgpu) skip('no WebGPU adapter here');
    const cases = TYPES.flatMap((dtype) =>
      LENGTHS.flatMap((length, i) =>
        (['bits', 'weights'] as const).map((from, j) => ({
          kind,
          types: Array(INPUTS[kind] + 1).fill(dtype),
          length,
          offset: (i + j) % 5,
          firstElement: FIRSTS[(i + 3 * j) % FIRSTS.length],
          from,
        })),
      ),
    );
    expect(await inPage('differences', cases)).toEqual([]);
  });

  test.for(KINDS)('%s of mixed types', async (kind, { skip }) => {
    if (!webgpu) skip('no WebGPU adapter here');
    // Every type once at every place, and no two of a case alike.
    const cases = TYPES.map((_, i) => ({
      kind,
      types: Array.from({ length: INPUTS[kind] + 1 }, (_, place) => TYPES[(i + place) % TYPES.length]),
      length: 1021,
      offset: i % 4,
      firstElement: FIRSTS[i],
      from: i % 2 ? 'bits' : 'weights',
    }));
    expect(await inPage('differences', cases)).toEqual([]);
  });

  test('conversions of all 16-bit patterns, and of float32 around the ties of each type', async ({ skip }) => {
    if (!webgpu) skip('no WebGPU adapter here');
    for (const [from, to] of [
      ['F16', 'F32'],
      ['BF16', 'F32'],
      ['F16', 'F64'],
      ['F32', 'F16'],
      ['F32', 'BF16'],
      ['F32', 'F8_E4M3'],
      ['F32', 'F8_E5M2'],
    ]) {
      expect(await inPage('conversions', from, to), `${from} to ${to}`).toBe(true);
    }
  });

  test('a call in place that is larger than the device takes at once', async ({ skip }) => {
    if (!webgpu) skip('no WebGPU adapter here');
    expect(await inPage('inPlace')).toBe(true);
  });

  test.for(['BF16', 'F32', 'F8_E4M3', 'F64'])('a LoRA folded into %s, also with factors', async (dtype, { skip }) => {
    if (!webgpu) skip('no WebGPU adapter here');
    expect(await inPage('folds', dtype)).toEqual([]);
  });

  test('every op and type as the probe sees them', async ({ skip }) => {
    if (!webgpu) skip('no WebGPU adapter here');
    expect(await inPage('probed')).toBeUndefined();
  });
});

test.for(['integers only', 'flush to zero'])(
  'a device with the habit “%s” gives the same bytes',
  async (habit, { skip }) => {
    if (!webgpu) skip('no WebGPU adapter here');
    const kinds = ['add-scaled-difference', 'drop-and-add-scaled-difference', 'difference'] as const;
    const cases = kinds.flatMap((kind) =>
      (['bits', 'weights'] as const).flatMap((from) =>
        (['F32', 'F16'] as const).map((dtype) => ({
          kind,
          types: Array(INPUTS[kind] + 1).fill(dtype),
          length: 65_537,
          offset: 1,
          firstElement: 5,
          from,
        })),
      ),
    );
    expect(await inPage('differences', cases, habit)).toEqual([]);
  },
);

test('a software adapter is not chosen by itself, but does what it is asked for, checked', async ({ skip }) => {
  if (!webgpu) skip('no WebGPU adapter here');
  const [auto, asked] = await inPage('choices');
  expect(asked).toMatchObject({ backend: 'webgpu', why: 'asked', gpu: expect.any(String) });
  if (/swiftshader|llvmpipe/i.test(asked.gpu)) expect(auto).toMatchObject({ backend: 'wasm', why: 'software-gpu' });
  else expect(auto.why).toBe('faster');
  expect(await inPage('checkedKernels')).toEqual({ backend: 'webgpu', changed: expect.any(Number), told: [] });
});

test('a device that is lost in the middle of calls costs no bytes', async ({ skip }) => {
  if (!webgpu) skip('no WebGPU adapter here');
  expect(await inPage('lost')).toEqual({
    before: 'webgpu',
    after: 'wasm',
    same: [true, true, true, true, true, true],
    told: [expect.stringContaining('graphics card')],
    bare: 'device-lost',
    untouched: true,
  });
});

test('a device that drops a run without a word is found out by what it did not write', async ({ skip }) => {
  if (!webgpu) skip('no WebGPU adapter here');
  const first = { changed: 0, unchanged: 1000, nonFinite: 0 };
  expect(await inPage('silent')).toEqual({ first, second: 'device-lost' });
});
