/**
 * Folding a LoRA into the weights below it: W + scale * B @ A, in float32. Every element sums over the rank in ascending order and rounds
 * after each operation, so the result does not depend on how the tensor is cut into chunks.
 */

import { decodeFloats } from '../core/dtype.ts';
import type { Elements } from '../kernels/kernels.ts';

export interface LowRankMatrices {
  /** [rank, columns], row-major. */
  a: Float32Array;
  /** [rows, rank], row-major. */
  b: Float32Array;
  rank: number;
  rows: number;
  columns: number;
  scale: number;
  /** The weight is stored as [columns, rows]. */
  transposed: boolean;
}

/**
 * A run of base weights with dW added, as float32 elements.
 * @param firstElement index of the run's first element inside its tensor
 */
export function foldLowRank(base: Elements, matrices: LowRankMatrices, firstElement: number): Elements {
  const weights = decodeFloats(base.bytes, base.dtype);
  const scale = Math.fround(matrices.scale);
  const width = matrices.transposed ? matrices.rows : matrices.columns;
  for (let at = 0; at < weights.length; ) {
    const line = Math.floor((firstElement + at) / width);
    const from = (firstElement + at) % width;
    const count = Math.min(width - from, weights.length - at);
    const products = matrices.transposed
      ? transposedLine(matrices, line, from, count)
      : plainLine(matrices, line, from, count);
    for (let i = 0; i < count; i++) {
      weights[at + i] = Math.fround(weights[at + i]! + Math.fround(scale * products[i]!));
    }
    at += count;
  }
  return { dtype: 'F32', bytes: new Uint8Array(weights.buffer) };
}

/** Elements [from, from + count) of row `row` of B @ A. */
function plainLine({ a, b, rank, columns }: LowRankMatrices, row: number, from: number, count: number): Float32Array {
  const sums = new Float32Array(count);
  for (let k = 0; k < rank; k++) {
    const factor = b[row * rank + k]!;
    const start = k * columns + from;
    for (let i = 0; i < count; i++) sums[i] = Math.fround(sums[i]! + Math.fround(factor * a[start + i]!));
  }
  return sums;
}

/** Elements [from, from + count) of column `column` of B @ A. */
function transposedLine(
  { a, b, rank, columns }: LowRankMatrices,
  column: number,
  from: number,
  count: number,
): Float32Array {
  const sums = new Float32Array(count);
  for (let k = 0; k < rank; k++) {
    const factor = a[k * columns + column]!;
    for (let i = 0; i < count; i++) sums[i] = Math.fround(sums[i]! + Math.fround(factor * b[(from + i) * rank + k]!));
  }
  return sums;
}
