/** Made-up operands for the tests of kernels: bit patterns of every kind, and weights as models have them. */

import { dtypeBytes, type FloatDtype } from '../../src/core/dtype.ts';
import type { Elements } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';

/** Deterministic bytes (xorshift32): uniform bit patterns hold every kind of float, NaN, infinity and subnormals among them. */
function randomBytes(length: number, seed: number): Uint8Array {
  let state = (seed * 2654435761 + 1) >>> 0;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Elements at an odd address unless `offset` is even. */
export function operand(dtype: FloatDtype, length: number, seed: number, offset: number): Elements {
  const size = length * dtypeBytes(dtype);
  return { dtype, bytes: randomBytes(offset + size, seed).subarray(offset) };
}

/** Weights as models have them: about normal, so that rounding, not overflow, is what differs. */
export function weights(dtype: FloatDtype, length: number, seed: number, offset: number): Elements {
  const noise = randomBytes(length * 4, seed);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    values[i] = (noise[4 * i]! + noise[4 * i + 1]! + noise[4 * i + 2]! / 256 - 255) / 4000;
  }
  const out = { dtype, bytes: new Uint8Array(offset + length * dtypeBytes(dtype)).subarray(offset) };
  referenceKernels.apply({ kind: 'convert' }, [{ dtype: 'F32', bytes: new Uint8Array(values.buffer) }], out, 0);
  return out;
}
