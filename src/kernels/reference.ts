/**
 * The oracle: every kernel written out element by element, Math.fround after each operation. Slow, plain and right;
 * all other backends are tested for the same bytes. Not for real merges (some 50 times slower than wasm).
 */

import { decodeFloats, encodeFloats } from '../core/dtype.ts';
import { maskWord } from '../core/philox.ts';
import { countElements } from './counts.ts';
import type { Counts, Elements, KernelOp, Kernels } from './kernels.ts';
import { type Arithmetic, arithmeticOf, checkOperands } from './operands.ts';

const round = Math.fround;

export const referenceKernels: Kernels = { backend: 'reference', apply };

function apply(op: KernelOp, inputs: readonly Elements[], out: Elements, firstElement: number): Counts {
  checkOperands(op, inputs, out, firstElement);
  const values = inputs.map(({ bytes, dtype }) => decodeFloats(bytes, dtype));
  const result = compute(arithmeticOf(op), values, firstElement);
  const stored = encodeFloats(result, out.dtype);
  const untouched = encodeFloats(values[0]!, out.dtype);
  out.bytes.set(stored);
  return countElements(result, stored, untouched, out.dtype);
}

function compute(arithmetic: Arithmetic, inputs: Float32Array[], firstElement: number): Float32Array {
  const [sft, plus, minus] = inputs;
  if (arithmetic.kind === 'convert') return sft!;
  const out = new Float32Array(sft!.length);
  for (let i = 0; i < out.length; i++) {
    const scaled = round(arithmetic.scale * round(plus![i]! - minus![i]!));
    out[i] = round(start(arithmetic, sft![i]!, plus![i]!, firstElement + i) + scaled);
  }
  return out;
}

/** What the scaled difference is added to: the fine-tuned weight, or the aligned one with what is kept of the fine-tune's delta. */
function start(
  arithmetic: Exclude<Arithmetic, { kind: 'convert' }>,
  sft: number,
  plus: number,
  element: number,
): number {
  if (arithmetic.kind === 'plain') return sft;
  const dropped = maskWord(arithmetic.stream, element) < arithmetic.threshold;
  const kept = dropped ? 0 : round(round(sft - plus) * arithmetic.rescale);
  return round(plus + kept);
}
