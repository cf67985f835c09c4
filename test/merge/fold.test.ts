import { describe, expect, test } from 'vitest';
import { decodeFloats, encodeFloats } from '../../src/core/dtype.ts';
import { arrangeMatrices, foldLowRank } from '../../src/kernels/low-rank.ts';
import { addSquares, doraFactors } from '../../src/merge/inputs/fold.ts';

/** Numbers around zero of very different sizes, so that the order of a sum shows. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return ((state >> 8) / 2 ** 23) * 2 ** ((state & 15) - 8);
  });
}

/** The definition, word by word: for each element, scale * (sum over the rank, in ascending order), each operation rounded to float32. */
function plainly(weights: Float32Array, a: Float32Array, b: Float32Array, shape: Shape): Float32Array {
  const { rank, rows, columns, scale, transposed } = shape;
  const out = weights.slice();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = Math.fround(0);
      for (let k = 0; k < rank; k++)
        sum = Math.fround(sum + Math.fround(b[row * rank + k]! * a[k * columns + column]!));
      const at = transposed ? column * rows + row : row * columns + column;
      out[at] = Math.fround(out[at]! + Math.fround(Math.fround(scale) * sum));
    }
  return out;
}

interface Shape {
  rank: number;
  rows: number;
  columns: number;
  scale: number;
  transposed: boolean;
}

const bits = (values: Float32Array) => [...new Uint32Array(values.buffer, values.byteOffset, values.length)];

describe('folding a LoRA', () => {
  test.each<Shape>([
    { rank: 3, rows: 8, columns: 8, scale: 1.7, transposed: false },
    { rank: 5, rows: 9, columns: 13, scale: 0.1, transposed: false },
    { rank: 5, rows: 9, columns: 13, scale: 0.1, transposed: true },
    { rank: 16, rows: 21, columns: 2, scale: 2, transposed: false },
    { rank: 1, rows: 1, columns: 7, scale: -3, transposed: true },
  ])('gives the bytes of its definition, wherever a run begins and ends: %o', (shape) => {
    const { rank, rows, columns } = shape;
    const [weights, a, b] = [numbers(rows * columns, 1), numbers(rank * columns, 2), numbers(rows * rank, 3)];
    const expected = plainly(weights, a, b, shape);
    const matrices = arrangeMatrices(a, b, shape);
    for (const run of [1, 5, 4 * columns, 6 * columns + 1, weights.length]) {
      for (let first = 0; first < weights.length; first += run) {
        const base = weights.subarray(first, first + run);
        const folded = foldLowRank({ dtype: 'F32', bytes: encodeFloats(base, 'F32') }, matrices, first);
        expect(bits(decodeFloats(folded.bytes, 'F32'))).toEqual(bits(expected.slice(first, first + run)));
      }
    }
  });

  test('takes base weights of any float type', () => {
    const shape = { rank: 1, rows: 1, columns: 2, scale: 1, transposed: false };
    const matrices = arrangeMatrices(Float32Array.of(2 ** -20, 1), Float32Array.of(1), shape);
    for (const dtype of ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'] as const) {
      const base = { dtype, bytes: encodeFloats(Float32Array.of(1, -0.5), dtype) };
      expect([...decodeFloats(foldLowRank(base, matrices, 0).bytes, 'F32')]).toEqual([1 + 2 ** -20, 0.5]);
    }
  });
});

describe('the norms of a DoRA', () => {
  test('are the same however the tensor is cut', () => {
    const folded = numbers(6 * 11, 4);
    for (const transposed of [false, true]) {
      const matrices = { width: 11, transposed };
      const outputs = transposed ? 11 : 6;
      const whole = new Float64Array(outputs);
      addSquares(whole, folded, matrices, 0);
      const cut = new Float64Array(outputs);
      for (let first = 0; first < folded.length; first += 4)
        addSquares(cut, folded.subarray(first, first + 4), matrices, first);
      expect([...cut]).toEqual([...whole]);
    }
  });

  test('divide the magnitudes', () => {
    expect([...doraFactors(Float32Array.of(10, 1), Float64Array.of(25, 2))]).toEqual([
      2,
      Math.fround(1 / Math.fround(Math.SQRT2)),
    ]);
  });
});
