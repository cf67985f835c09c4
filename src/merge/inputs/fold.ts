/**
 * What adapters need beside the folding of a LoRA (kernels/low-rank.ts): the norms of a DoRA, and changes that are added as they are. In
 * float32, each operation rounded by itself.
 */

import { decodeFloats } from '../../core/dtype.ts';
import type { Elements } from '../../kernels/kernels.ts';
import type { LowRankMatrices } from '../../kernels/low-rank.ts';

/**
 * Adds the squares of a run of W + dW to the sum of each output: exact squares in float64, inputs in ascending order, so that runs fed in
 * order give the same sums however they are cut.
 */
export function addSquares(
  sums: Float64Array,
  folded: Float32Array,
  { width, transposed }: Pick<LowRankMatrices, 'width' | 'transposed'>,
  firstElement: number,
): void {
  for (let i = 0; i < folded.length; i++) {
    const element = firstElement + i;
    const output = transposed ? element % width : Math.floor(element / width);
    sums[output] = sums[output]! + folded[i]! * folded[i]!;
  }
}

/** magnitude / ||W + dW|| per output: the norm rounded to float32 once, the quotient once more (peft/tuners/lora/variants.py). */
export function doraFactors(magnitude: Float32Array, squares: Float64Array): Float32Array {
  return magnitude.map((value, i) => Math.fround(value / Math.fround(Math.sqrt(squares[i]!))));
}

/** base + scale * values, each operation rounded to float32. */
export function addScaled(base: Elements, values: Elements, scale: number): Elements {
  const sums = decodeFloats(base.bytes, base.dtype);
  const factor = Math.fround(scale);
  const added = decodeFloats(values.bytes, values.dtype);
  for (let i = 0; i < sums.length; i++) sums[i] = Math.fround(sums[i]! + Math.fround(factor * added[i]!));
  return { dtype: 'F32', bytes: new Uint8Array(sums.buffer) };
}
