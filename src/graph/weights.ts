/**
 * A stored tensor -> the bytes of the weights that a graph makes of it: its numbers in the graph's float type, or codes and scales. The
 * layout is the checkpoint's own (row-major), so there is nothing to transpose but what is quantized along the other side.
 */

import { decodeFloats, encodeFloats, type FloatDtype } from '../core/dtype.ts';
import type { BlockSource, ExternalTensor } from './onnx.ts';
import { type Quantized, quantize } from './quantize.ts';

/** As a checkpoint stores it: little-endian, row-major. */
export interface StoredFloats {
  bytes: Uint8Array;
  dtype: FloatDtype;
  shape: readonly number[];
}

type WeightKind = Pick<ExternalTensor, 'type' | 'source'>;

/**
 * The bytes of each weight made of one tensor, in their order; what is quantized is quantized once. Exact, but that halves and scales are
 * rounded once and codes as quantize.ts says. Float32 that is wanted as float32 is `bytes` itself, likewise halves.
 */
export function weightBytes(stored: StoredFloats, weights: readonly WeightKind[]): Uint8Array[] {
  const quantized = new Map<number, Quantized>();
  const codesOf = (source: BlockSource): Quantized => {
    const known = quantized.get(source.bits) ?? quantize(...outputsFirst(stored, source.transposed), source.bits);
    quantized.set(source.bits, known);
    return known;
  };
  return weights.map(({ type, source }) => {
    if (source.as === 'values') return floatBytes(stored, type);
    const { codes, scales } = codesOf(source);
    return source.as === 'codes' ? codes : encodeFloats(scales, type === 'f16' ? 'F16' : 'F32');
  });
}

function floatBytes({ bytes, dtype }: StoredFloats, type: ExternalTensor['type']): Uint8Array {
  const wanted = type === 'f16' ? 'F16' : 'F32';
  if (dtype === wanted) return bytes;
  const values = decodeFloats(bytes, dtype);
  return wanted === 'F16' ? encodeFloats(values, wanted) : new Uint8Array(values.buffer);
}

/** Values [outputs, inputs], outputs, inputs of a matrix, whichever side it is stored along. */
function outputsFirst({ bytes, dtype, shape }: StoredFloats, transposed: boolean): [Float32Array, number, number] {
  const values = decodeFloats(bytes, dtype);
  const [rows, columns] = shape as [number, number];
  return transposed ? [transpose(values, rows, columns), columns, rows] : [values, rows, columns];
}

/** Squares this wide stay in the cache while they are turned. */
const TILE = 32;

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let top = 0; top < rows; top += TILE) {
    for (let left = 0; left < columns; left += TILE) {
      for (let row = top; row < Math.min(rows, top + TILE); row++) {
        for (let column = left; column < Math.min(columns, left + TILE); column++) {
          turned[column * rows + row] = values[row * columns + column]!;
        }
      }
    }
  }
  return turned;
}
