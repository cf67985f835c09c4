/**
 * A stored tensor -> the float32 bytes of its initializer. The layout is the checkpoint's own (row-major, [outputs, inputs]), so
 * there is nothing to transpose and an F32 tensor is passed through untouched.
 */

import { decodeFloats, type FloatDtype } from '../core/dtype.ts';

/** Little-endian bytes of `dtype` -> little-endian float32 bytes; exact, but that F64 is rounded once. For F32 the result is `bytes` itself. */
export function initializerBytes(bytes: Uint8Array, dtype: FloatDtype): Uint8Array {
  return dtype === 'F32' ? bytes : new Uint8Array(decodeFloats(bytes, dtype).buffer);
}
