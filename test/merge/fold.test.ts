import { describe, expect, test } from 'vitest';
import { addSquares, doraFactors } from '../../src/merge/inputs/fold.ts';

/** Numbers around zero of very different sizes, so that the order of a sum shows. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return ((state >> 8) / 2 ** 23) * 2 ** ((state & 15) - 8);
  });
}

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
