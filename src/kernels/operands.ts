/**
 * What every backend checks and prepares before its first element: operands that fit each other, scalars in float32.
 * A mistake here is the caller's, not a person's: plain RangeErrors.
 */

import { dtypeBytes } from '../core/dtype.ts';
import { dropThreshold, type MaskStream } from '../core/philox.ts';
import type { Elements, KernelOp } from './kernels.ts';

/** An op as arithmetic sees it: the special cases decided, every scalar already a float32. */
export type Arithmetic =
  | { kind: 'convert' }
  | { kind: 'plain'; scale: number }
  | { kind: 'drop'; scale: number; rescale: number; threshold: number; stream: MaskStream };

const INPUTS: Record<KernelOp['kind'], number> = {
  'add-scaled-difference': 3,
  'drop-and-add-scaled-difference': 3,
  convert: 1,
};

/** Throws RangeError where the operands do not fit the op or each other. */
export function checkOperands(op: KernelOp, inputs: readonly Elements[], out: Elements, firstElement: number): void {
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

/** Scalars to float32; drop rate 0 becomes the plain op (see KernelOp). Throws RangeError for a rate outside [0, 1) or a scalar that overflows. */
export function arithmeticOf(op: KernelOp): Arithmetic {
  if (op.kind === 'convert') return { kind: 'convert' };
  const scale = finiteFloat32(op.scale);
  if (op.kind === 'add-scaled-difference' || op.rate === 0) return { kind: 'plain', scale };
  if (!(op.rate > 0 && op.rate < 1)) throw new RangeError(`drop rate ${op.rate} is outside [0, 1)`);
  const rescale = finiteFloat32(1 / (1 - op.rate));
  return { kind: 'drop', scale, rescale, threshold: dropThreshold(op.rate), stream: op.stream };
}

function finiteFloat32(value: number): number {
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) throw new RangeError(`${value} is not finite in float32`);
  return rounded;
}
