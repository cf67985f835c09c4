/** Folding a LoRA: every backend gives the bytes of the definition, wherever a run begins and ends and however large the matrices are. */

import { beforeAll, describe, expect, test } from 'vitest';
import { decodeFloats, encodeFloats, type FloatDtype } from '../../src/core/dtype.ts';
import type { Elements, Kernels } from '../../src/kernels/kernels.ts';
import { arrangeMatrices, type LowRankMatrices } from '../../src/kernels/low-rank.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { compiledKernels } from './compiled.ts';
import { operand } from './elements.ts';

interface Shape {
  rank: number;
  rows: number;
  columns: number;
  scale: number;
  transposed: boolean;
}

/** Numbers around zero of very different sizes, so that the order of a sum shows. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return ((state >> 8) / 2 ** 23) * 2 ** ((state & 15) - 8);
  });
}

/** The definition, word by word: for each element, scale * (sum over the rank, in ascending order), each operation rounded to float32. */
function plainly(weights: Float32Array, a: Float32Array, b: Float32Array, shape: Shape, factors?: Float32Array) {
  const { rank, rows, columns, scale, transposed } = shape;
  const out = weights.slice();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = Math.fround(0);
      for (let k = 0; k < rank; k++)
        sum = Math.fround(sum + Math.fround(b[row * rank + k]! * a[k * columns + column]!));
      const at = transposed ? column * rows + row : row * columns + column;
      const folded = Math.fround(out[at]! + Math.fround(Math.fround(scale) * sum));
      out[at] = factors ? Math.fround(factors[row]! * folded) : folded;
    }
  return out;
}

const f32 = (values: Float32Array): Elements => ({ dtype: 'F32', bytes: encodeFloats(values, 'F32') });
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

describe.each(['reference', 'wasm'] as const)('%s', (backend) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = backend === 'wasm' ? await compiledKernels() : referenceKernels;
  });

  test.each<Shape & { run?: number }>([
    { rank: 3, rows: 8, columns: 8, scale: 1.7, transposed: false },
    { rank: 5, rows: 9, columns: 13, scale: 0.1, transposed: false },
    { rank: 5, rows: 9, columns: 13, scale: 0.1, transposed: true },
    { rank: 16, rows: 21, columns: 2, scale: 2, transposed: false },
    { rank: 1, rows: 1, columns: 7, scale: -3, transposed: true },
  ])('gives the bytes of the definition, wherever a run begins and ends: %o', async (shape) => {
    const { rank, rows, columns } = shape;
    const [weights, a, b] = [numbers(rows * columns, 1), numbers(rank * columns, 2), numbers(rows * rank, 3)];
    const plain = arrangeMatrices(a, b, shape);
    for (const factors of [undefined, numbers(rows, 4)]) {
      const matrices: LowRankMatrices = { ...plain, ...(factors && { factors }) };
      const expected = plainly(weights, a, b, shape, factors);
      for (const run of [1, 5, 4 * columns, 6 * columns + 1, weights.length]) {
        for (let first = 0; first < weights.length; first += run) {
          const folded = await kernels.foldLowRank(f32(weights.subarray(first, first + run)), matrices, first);
          const what = `${run} from ${first}${factors ? ', with factors' : ''}`;
          expect(same(folded.bytes, f32(expected.slice(first, first + run)).bytes), what).toBe(true);
        }
      }
    }
  });

  test.each(['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'] as const)('takes base weights of %s', async (dtype) => {
    const shape = { rank: 1, rows: 1, columns: 2, scale: 1, transposed: false };
    const matrices = arrangeMatrices(Float32Array.of(2 ** -20, 1), Float32Array.of(1), shape);
    const base = { dtype, bytes: encodeFloats(Float32Array.of(1, -0.5), dtype) };
    const folded = await kernels.foldLowRank(base, matrices, 0);
    expect([...decodeFloats(folded.bytes, 'F32')]).toEqual([1 + 2 ** -20, 0.5]);
  });

  test('every operation is rounded by itself: no fused multiply-add', async () => {
    // In float32 (1 + 2^-12)^2 rounds to 1 + 2^-11 (a tie, to even). Fused, the 2^-24 that is cut off would be left over.
    const x = 1 + 2 ** -12;
    const shape = { rank: 2, rows: 1, columns: 1, scale: 1, transposed: false };
    const matrices = arrangeMatrices(Float32Array.of(-(1 + 2 ** -11), x), Float32Array.of(1, x), shape);
    const folded = await kernels.foldLowRank(f32(Float32Array.of(0)), matrices, 0);
    expect([...decodeFloats(folded.bytes, 'F32')]).toEqual([0]);
    const scaled = arrangeMatrices(Float32Array.of(x), Float32Array.of(1), { ...shape, rank: 1, scale: x });
    const added = await kernels.foldLowRank(f32(Float32Array.of(-(1 + 2 ** -11))), scaled, 0);
    expect([...decodeFloats(added.bytes, 'F32')]).toEqual([0]);
  });
});

describe('wasm gives the oracle’s bytes', () => {
  let wasm: Kernels;
  beforeAll(async () => {
    wasm = await compiledKernels();
  });

  const agree = async (base: Elements, matrices: LowRankMatrices, first: number, what: string) => {
    const expected = await referenceKernels.foldLowRank(base, matrices, first);
    const got = await wasm.foldLowRank(base, matrices, first);
    expect(same(got.bytes, expected.bytes), what).toBe(true);
  };

  test.each([
    [4096, 9, 11],
    [4097, 2, 3],
    [200, 170, 331],
    [8, 40, 4100],
    [1, 3, 33_000],
  ])('over several tiles: rank %i of %i x %i', async (rank, rows, columns) => {
    for (const transposed of [false, true]) {
      const shape = { rank, rows, columns, scale: 0.7, transposed };
      const plain = arrangeMatrices(numbers(rank * columns, 2), numbers(rows * rank, 3), shape);
      const matrices = { ...plain, factors: numbers(rows, 5) };
      const weights = numbers(rows * columns, 1);
      await agree(f32(weights), matrices, 0, `whole, transposed ${transposed}`);
      const first = Math.floor(weights.length / 3);
      await agree(f32(weights.subarray(first, 2 * first + 7)), plain, first, `a part, transposed ${transposed}`);
    }
  });

  test.each<FloatDtype>(['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'])(
    'for every kind of number in weights of %s and in the matrices',
    async (dtype) => {
      const floats = (count: number, seed: number) => decodeFloats(operand('F32', count, seed, 0).bytes, 'F32');
      for (const transposed of [false, true]) {
        const shape = { rank: 3, rows: 37, columns: 29, scale: 0.5, transposed };
        const matrices = { ...arrangeMatrices(floats(87, 2), floats(111, 3), shape), factors: floats(37, 4) };
        await agree(operand(dtype, 37 * 29, 1, 3), matrices, 0, `transposed ${transposed}`);
        const hard = { ...arrangeMatrices(numbers(87, 2), numbers(111, 3), shape), factors: floats(37, 4) };
        await agree(operand(dtype, 500, 1, 1), hard, 77, `a part, transposed ${transposed}`);
      }
    },
  );
});
