/**
 * Any float type for backends that know only F32, F16 and BF16: inputs of other types are widened to float32, outputs narrowed from it,
 * piece by piece, so that memory stays small. The arithmetic is the backend's own; F64 is therefore rounded to float32 first.
 */

import { decodeFloats, dtypeBytes, encodeFloats, isKernelDtype, type KernelDtype } from '../core/dtype.ts';
import { countElements } from './counts.ts';
import type { Counts, Elements, KernelOp, Kernels } from './kernels.ts';
import { prepare } from './operands.ts';

/** Elements at a time: some 1.5 MiB of float32 for a call with three inputs. */
const PIECE = 65536;

export function widening(kernels: Kernels<KernelDtype>): Kernels {
  return {
    get backend() {
      return kernels.backend;
    },
    parallel: kernels.parallel,
    apply(op, inputs, out, firstElement) {
      if (inputs.every(isNative) && isNative(out)) return kernels.apply(op, inputs, out, firstElement);
      return applyInPieces(kernels, op, inputs, out, firstElement);
    },
    foldLowRank: (base, matrices, firstElement) => kernels.foldLowRank(widen(base), matrices, firstElement),
  };
}

async function applyInPieces(
  kernels: Kernels<KernelDtype>,
  op: KernelOp,
  inputs: readonly Elements[],
  out: Elements,
  firstElement: number,
): Promise<Counts> {
  prepare(op, inputs, out, firstElement); // for its checks, before a byte is written
  const length = out.bytes.byteLength / dtypeBytes(out.dtype);
  const total = { changed: 0, unchanged: 0, nonFinite: 0 };
  let start = 0;
  while (start < length) {
    const piece = (elements: Elements) => part(elements, start, Math.min(start + PIECE, length));
    const widened = inputs.map((input) => widen(piece(input)));
    const counts = await applyToPiece(kernels, op, widened, piece(out), firstElement + start);
    total.changed += counts.changed;
    total.unchanged += counts.unchanged;
    total.nonFinite += counts.nonFinite;
    start += PIECE;
  }
  return total;
}

async function applyToPiece(
  kernels: Kernels<KernelDtype>,
  op: KernelOp,
  inputs: readonly Elements<KernelDtype>[],
  out: Elements,
  firstElement: number,
): Promise<Counts> {
  if (isNative(out)) return kernels.apply(op, inputs, out, firstElement);
  const length = out.bytes.byteLength / dtypeBytes(out.dtype);
  const result: Elements<'F32'> = { dtype: 'F32', bytes: new Uint8Array(length * 4) };
  const counts = await kernels.apply(op, inputs, result, firstElement);
  const computed = decodeFloats(result.bytes, 'F32');
  const stored = encodeFloats(computed, out.dtype);
  out.bytes.set(stored);
  if (out.dtype === 'F64') return counts; // float32 within: the same values, so the same counts
  const before = op.kind === 'difference' ? new Float32Array(length) : decodeFloats(inputs[0]!.bytes, inputs[0]!.dtype);
  return countElements(computed, stored, encodeFloats(before, out.dtype), out.dtype);
}

function isNative(elements: Elements): elements is Elements<KernelDtype> {
  return isKernelDtype(elements.dtype);
}

function widen(elements: Elements): Elements<KernelDtype> {
  if (isNative(elements)) return elements;
  return { dtype: 'F32', bytes: new Uint8Array(decodeFloats(elements.bytes, elements.dtype).buffer) };
}

function part({ dtype, bytes }: Elements, from: number, to: number): Elements {
  const size = dtypeBytes(dtype);
  return { dtype, bytes: bytes.subarray(from * size, to * size) };
}
