/**
 * What every backend checks and prepares before its first element: operands that fit each other, scalars in float32.
 * A mistake here is the caller's, not a person's: plain RangeErrors.
 */

import { dtypeBytes, type FloatDtype } from '../core/dtype.ts';
import { dropThreshold, type MaskStream } from '../core/philox.ts';
import type { Elements, KernelOp } from './kernels.ts';

/**
 * What the last inputs are: `plus` and `minus`, whose difference is the vector, or the `vector` itself.
 * Of the ops that drop, `plus` is also the base.
 */
type VectorFrom = 'difference' | 'stored';

/** An op as arithmetic sees it: the special cases decided, every scalar already a float32. */
export type Arithmetic =
  | { kind: 'convert' }
  | { kind: 'difference' }
  | { kind: 'add'; vector: VectorFrom; scale: number }
  | { kind: 'drop'; vector: VectorFrom; scale: number; rescale: number; threshold: number; stream: MaskStream };

/** The inputs that the arithmetic looks at, in the op's order. */
export interface Prepared<D extends FloatDtype> {
  arithmetic: Arithmetic;
  inputs: readonly Elements<D>[];
}

const INPUTS: Record<KernelOp['kind'], number> = {
  'add-scaled-difference': 3,
  'drop-and-add-scaled-difference': 3,
  'add-scaled': 2,
  'drop-and-add-scaled': 3,
  difference: 2,
  convert: 1,
};

/** Throws RangeError where the operands do not fit the op or each other, for a rate outside [0, 1) and a scalar that overflows float32. */
export function prepare<D extends FloatDtype>(
  op: KernelOp,
  inputs: readonly Elements<D>[],
  out: Elements<D>,
  firstElement: number,
): Prepared<D> {
  checkOperands(op, inputs, out, firstElement);
  const arithmetic = arithmeticOf(op);
  const withoutBase = op.kind === 'drop-and-add-scaled' && arithmetic.kind === 'add';
  return { arithmetic, inputs: withoutBase ? [inputs[0]!, inputs[2]!] : inputs };
}

function checkOperands(op: KernelOp, inputs: readonly Elements[], out: Elements, firstElement: number): void {
  if (inputs.length !== INPUTS[op.kind]) {
    throw new RangeError(`${op.kind} takes ${INPUTS[op.kind]} inputs, got ${inputs.length}`);
  }
  if (!Number.isSafeInteger(firstElement) || firstElement < 0) throw new RangeError(`firstElement ${firstElement}`);
  const length = out.bytes.byteLength / dtypeBytes(out.dtype);
  for (const operand of [...inputs, out]) {
    if (operand.bytes.byteLength !== length * dtypeBytes(operand.dtype) || !Number.isInteger(length)) {
      throw new RangeError(`${operand.bytes.byteLength} bytes are not ${length} elements of ${operand.dtype}`);
    }
  }
}

/** Drop rate 0 becomes the op that drops nothing (see KernelOp). */
function arithmeticOf(op: KernelOp): Arithmetic {
  if (op.kind === 'convert' || op.kind === 'difference') return { kind: op.kind };
  const scale = finiteFloat32(op.scale);
  const vector = op.kind === 'add-scaled' || op.kind === 'drop-and-add-scaled' ? 'stored' : 'difference';
  if (!('rate' in op) || op.rate === 0) return { kind: 'add', vector, scale };
  if (!(op.rate > 0 && op.rate < 1)) throw new RangeError(`drop rate ${op.rate} is outside [0, 1)`);
  const rescale = finiteFloat32(1 / (1 - op.rate));
  return { kind: 'drop', vector, scale, rescale, threshold: dropThreshold(op.rate), stream: op.stream };
}

function finiteFloat32(value: number): number {
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) throw new RangeError(`${value} is not finite in float32`);
  return rounded;
}
