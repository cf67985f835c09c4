/**
 * The oracle: every kernel written out element by element, Math.fround after each operation. Slow, plain and right;
 * all other backends are tested for the same bytes. Not for real merges (some 50 times slower than wasm).
 */

import { decodeFloats, encodeFloats } from '../core/dtype.ts';
import { maskWord } from '../core/philox.ts';
import { countElements } from './counts.ts';
import type { Counts, Elements, KernelOp, Kernels } from './kernels.ts';
import { foldLowRank } from './low-rank.ts';
import { type Arithmetic, prepare } from './operands.ts';

const round = Math.fround;

export const referenceKernels: Kernels = { backend: 'reference', parallel: 1, apply, foldLowRank };

function apply(op: KernelOp, inputs: readonly Elements[], out: Elements, firstElement: number): Counts {
  const prepared = prepare(op, inputs, out, firstElement);
  const values = prepared.inputs.map(({ bytes, dtype }) => decodeFloats(bytes, dtype));
  const result = compute(prepared.arithmetic, values, firstElement);
  const stored = encodeFloats(result, out.dtype);
  const before = op.kind === 'difference' ? new Float32Array(result.length) : values[0]!;
  const counts = countElements(result, stored, encodeFloats(before, out.dtype), out.dtype);
  out.bytes.set(stored);
  return counts;
}

function compute(arithmetic: Arithmetic, inputs: Float32Array[], firstElement: number): Float32Array {
  const [first, second, third] = inputs;
  if (arithmetic.kind === 'convert') return first!;
  if (arithmetic.kind === 'difference') return first!.map((plus, i) => plus - second![i]!);
  const vector = inputs.at(-1)!;
  const out = new Float32Array(first!.length);
  for (let i = 0; i < out.length; i++) {
    const added = arithmetic.vector === 'stored' ? vector[i]! : round(second![i]! - third![i]!);
    const scaled = round(arithmetic.scale * added);
    out[i] = round(start(arithmetic, first![i]!, second![i]!, firstElement + i) + scaled);
  }
  return out;
}

/** What the scaled vector is added to: the fine-tuned weight, or the aligned one with what is kept of the fine-tune's delta. */
function start(
  arithmetic: Extract<Arithmetic, { kind: 'add' | 'drop' }>,
  sft: number,
  base: number,
  element: number,
): number {
  if (arithmetic.kind === 'add') return sft;
  const dropped = maskWord(arithmetic.stream, element) < arithmetic.threshold;
  const kept = dropped ? 0 : round(round(sft - base) * arithmetic.rescale);
  return round(base + kept);
}
