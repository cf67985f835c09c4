/** A GPU that goes away costs nobody their merge. */

import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { withFallback } from '../../src/kernels/fallback.ts';
import type { Elements, Kernels } from '../../src/kernels/kernels.ts';
import { arrangeMatrices } from '../../src/kernels/low-rank.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { weights } from './elements.ts';

const DIFFERENCE = { kind: 'difference' } as const;
const gone = () => new AppError('device-lost', 'The card is gone.', 'Go on.');

/** The oracle in a GPU's clothes: answers later, and dies when told, before it has written anything. */
function fakeGpu() {
  let failure: Error | undefined;
  const calls: string[] = [];
  const later = async <T>(name: string, answer: () => T | Promise<T>) => {
    calls.push(name);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (failure) throw failure;
    return answer();
  };
  const kernels: Kernels = {
    backend: 'webgpu',
    parallel: 2,
    apply: (...call) => later('apply', () => referenceKernels.apply(...call)),
    foldLowRank: (...call) => later('fold', () => referenceKernels.foldLowRank(...call)),
  };
  return { kernels, calls, fail: (error: Error) => (failure = error) };
}

function setUp() {
  const gpu = fakeGpu();
  const told: string[] = [];
  const spare: Kernels = { ...referenceKernels, backend: 'wasm' };
  const kernels = withFallback(gpu.kernels, spare, (reason) => told.push(reason));
  const inputs = [weights('BF16', 100, 1, 0), weights('BF16', 100, 2, 0)];
  const expected = empty();
  referenceKernels.apply(DIFFERENCE, inputs, expected, 0);
  return { gpu, told, kernels, inputs, expected };
}

const empty = (): Elements => ({ dtype: 'BF16', bytes: new Uint8Array(200) });

describe('kernels with a fallback', () => {
  test('stay on the GPU while it lasts', async () => {
    const { gpu, told, kernels, inputs, expected } = setUp();
    const out = empty();
    expect(await kernels.apply(DIFFERENCE, inputs, out, 0)).toMatchObject({ changed: 100 });
    expect(out.bytes).toEqual(expected.bytes);
    expect([kernels.backend, kernels.parallel, told, gpu.calls]).toEqual(['webgpu', 2, [], ['apply']]);
  });

  test('finish all calls that were under way, and tell once', async () => {
    const { gpu, told, kernels, inputs, expected } = setUp();
    const outs = [empty(), empty(), empty()];
    const underWay = outs.map((out) => kernels.apply(DIFFERENCE, inputs, out, 0));
    gpu.fail(gone());
    const counts = await Promise.all(underWay);
    for (const [i, out] of outs.entries()) {
      expect(out.bytes).toEqual(expected.bytes);
      expect(counts[i]).toEqual({ changed: 100, unchanged: 0, nonFinite: 0 });
    }
    expect([kernels.backend, kernels.parallel, told]).toEqual(['wasm', 1, ['The card is gone.']]);
  });

  test('work in place although the GPU dies: the inputs are still there', async () => {
    const { gpu, kernels, inputs, expected } = setUp();
    gpu.fail(gone());
    await kernels.apply(DIFFERENCE, inputs, inputs[0]!, 0);
    expect(inputs[0]!.bytes).toEqual(expected.bytes);
  });

  test('never ask a lost GPU again, also to fold', async () => {
    const { gpu, kernels, inputs } = setUp();
    gpu.fail(gone());
    await kernels.apply(DIFFERENCE, inputs, empty(), 0);
    const shape = { rank: 2, rows: 10, columns: 10, scale: 0.5, transposed: false };
    const matrices = arrangeMatrices(new Float32Array(20).fill(0.1), new Float32Array(20).fill(0.2), shape);
    const folded = await kernels.foldLowRank(inputs[0]!, matrices, 0);
    expect(folded).toEqual(referenceKernels.foldLowRank(inputs[0]!, matrices, 0));
    expect(gpu.calls).toEqual(['apply']);
  });

  test('leave a GPU that computes differently', async () => {
    const { gpu, told, kernels, inputs, expected } = setUp();
    gpu.fail(new AppError('backend-unavailable', 'It rounds in its own way.', ''));
    const out = empty();
    await kernels.apply(DIFFERENCE, inputs, out, 0);
    expect([out.bytes, told]).toEqual([expected.bytes, ['It rounds in its own way.']]);
  });

  test('pass on what is the caller’s mistake, and stay', async () => {
    const { told, kernels, inputs } = setUp();
    await expect(kernels.apply(DIFFERENCE, inputs.slice(1), empty(), 0)).rejects.toThrow(RangeError);
    expect([kernels.backend, told]).toEqual(['webgpu', []]);
  });
});
