/** What is asked for runs or says why not; what is chosen says why. No real GPU here: the computer is made up. */

import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { chooseBackend, type Gpu, loadKernels, type Platform } from '../../src/kernels/choose.ts';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { weights } from './elements.ts';

const right: Kernels = { ...referenceKernels, backend: 'webgpu', parallel: 2 };
const wrong: Kernels = {
  ...right,
  async apply(op, inputs, out, firstElement) {
    const counts = await referenceKernels.apply(op, inputs, out, firstElement);
    out.bytes[40]! ^= 1;
    return counts;
  },
};

interface Computer {
  gpu?: Partial<Gpu>;
  kernels?: Kernels;
  /** GB/s. */
  paces?: { wasm: number; webgpu: number };
}

function computer({ gpu, kernels = right, paces = { wasm: 8, webgpu: 4 } }: Computer) {
  const seen = { opened: 0, closed: 0, measured: [] as string[] };
  const open = async () => {
    seen.opened++;
    return { kernels, acrossBytes: 2 ** 20, close: () => seen.closed++ };
  };
  const platform: Platform = {
    gpu: async () => gpu && { name: 'Radeon', software: false, open, ...gpu },
    wasm: async () => ({ ...referenceKernels, backend: 'wasm' }),
    async pace({ backend }) {
      seen.measured.push(backend);
      return paces[backend as 'wasm' | 'webgpu'];
    },
  };
  return { platform, seen };
}

const broken = { open: () => Promise.reject(new Error('out of handles')) };

describe('automatic choice', () => {
  test('without a graphics card is WebAssembly, with nothing measured', async () => {
    const { platform, seen } = computer({});
    expect(await chooseBackend('auto', platform)).toEqual({ backend: 'wasm', why: 'no-gpu' });
    expect(seen.measured).toEqual([]);
  });

  test('with a software card is WebAssembly: it is neither opened nor measured', async () => {
    const { platform, seen } = computer({ gpu: { name: 'google swiftshader', software: true } });
    const choice = { backend: 'wasm', why: 'software-gpu', gpu: 'google swiftshader' };
    expect(await chooseBackend('auto', platform)).toEqual(choice);
    expect(seen).toEqual({ opened: 0, closed: 0, measured: [] });
  });

  test.each([
    ['wasm', { wasm: 8, webgpu: 4 }],
    ['webgpu', { wasm: 4, webgpu: 8 }],
  ])('takes %s when that is faster, with the figures, and gives the device back', async (backend, paces) => {
    const { platform, seen } = computer({ gpu: {}, paces });
    const choice = { backend, why: 'faster', gpu: 'Radeon', measured: paces };
    expect(await chooseBackend('auto', platform)).toEqual(choice);
    expect(seen).toEqual({ opened: 1, closed: 1, measured: ['wasm', 'webgpu'] });
  });

  test('keeps to WebAssembly when the card computes differently, however fast it is', async () => {
    const { platform, seen } = computer({ gpu: {}, kernels: wrong, paces: { wasm: 1, webgpu: 100 } });
    expect(await chooseBackend('auto', platform)).toEqual({
      backend: 'wasm',
      why: 'differs',
      gpu: 'Radeon',
      detail: expect.stringContaining('is right'),
    });
    expect([seen.closed, seen.measured]).toEqual([1, []]);
  });

  test('keeps to WebAssembly when the card cannot be started or dies while it is measured', async () => {
    const choice = { backend: 'wasm', why: 'failed', gpu: 'Radeon' };
    expect(await chooseBackend('auto', computer({ gpu: broken }).platform)).toEqual({
      ...choice,
      detail: 'out of handles',
    });
    const { platform, seen } = computer({ gpu: {} });
    const pace = () => Promise.reject(new AppError('device-lost', 'The card is gone.', ''));
    expect(await chooseBackend('auto', { ...platform, pace })).toEqual({ ...choice, detail: 'The card is gone.' });
    expect(seen.closed).toBe(1);
  });
});

describe('a wish', () => {
  test.each(['wasm', 'reference'] as const)('for %s is taken without a look at the computer', async (backend) => {
    const gpu = () => Promise.reject(new Error('nobody asked'));
    const { platform } = computer({});
    expect(await chooseBackend(backend, { ...platform, gpu })).toEqual({ backend, why: 'asked' });
    expect((await loadKernels(backend, undefined, { ...platform, gpu })).backend).toBe(backend);
  });

  test('for WebGPU is granted by any card that computes right, also a software one', async () => {
    const { platform, seen } = computer({ gpu: { software: true } });
    expect(await chooseBackend('webgpu', platform)).toEqual({ backend: 'webgpu', why: 'asked', gpu: 'Radeon' });
    expect(seen).toEqual({ opened: 1, closed: 1, measured: [] });
  });

  test.each([
    ['there is no card', {}, /offers no graphics card/],
    ['the card cannot be started', { gpu: broken }, /Radeon could not be started: out of handles/],
    ['the card computes differently', { gpu: {}, kernels: wrong }, /Radeon computes differently.* is right/],
  ] satisfies [string, Computer, RegExp][])('for WebGPU is refused in words when %s', async (_, made, words) => {
    const { platform } = computer(made);
    for (const refused of [chooseBackend('webgpu', platform), loadKernels('webgpu', undefined, platform)]) {
      await expect(refused).rejects.toMatchObject({
        code: 'backend-unavailable',
        message: expect.stringMatching(words),
        hint: expect.stringContaining('WebAssembly'),
      });
    }
  });
});

test('kernels on the GPU go on in WebAssembly, in all pieces of a call, when the device is lost in the middle', async () => {
  let calls = 0;
  const dying: Kernels = {
    ...right,
    async apply(...call) {
      // What the probe asks is answered; of the call below the second piece is not.
      if (call[1][0]!.bytes.byteLength > 2 ** 20 && ++calls > 1) throw new AppError('device-lost', 'Gone.', '');
      return right.apply(...call);
    },
  };
  const told: string[] = [];
  const { platform } = computer({ gpu: {}, kernels: dying });
  const kernels = await loadKernels('webgpu', (reason) => told.push(reason), platform);
  const length = 2 ** 21 + 2 ** 20; // float32: three pieces
  const inputs = [weights('F32', length, 1, 0), weights('F32', length, 2, 0)];
  const expected = { dtype: 'F32', bytes: new Uint8Array(length * 4) } as const;
  const counts = await referenceKernels.apply({ kind: 'difference' }, inputs, expected, 0);
  expect(await kernels.apply({ kind: 'difference' }, inputs, inputs[0]!, 0)).toEqual(counts);
  expect(Buffer.compare(inputs[0]!.bytes, expected.bytes)).toBe(0);
  expect([kernels.backend, told]).toEqual(['wasm', ['Gone.']]);
});
