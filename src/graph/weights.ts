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

/** Some rows of a stored tensor, or all of one that cannot be cut. */
export interface RowPiece {
  /** Bytes from the tensor's first. */
  start: number;
  end: number;
  shape: number[];
}

/**
 * A stored tensor in pieces of which `weightBytes` makes pieces of the same weights, in their order: rows of what is stored are rows of every
 * weight, unless one is turned on its side.
 * @param bytes of the tensor @param most of a piece, where it can be cut
 */
export function* rowPieces(
  { shape, bytes }: { shape: readonly number[]; bytes: number },
  weights: readonly WeightKind[],
  most: number,
): Generator<RowPiece> {
  const [rows = 1, ...rest] = shape;
  const turned = ({ source }: WeightKind): boolean => 'transposed' in source && source.transposed;
  if (shape.length < 2 || weights.some(turned)) return yield { start: 0, end: bytes, shape: [...shape] };
  const rowBytes = bytes / rows;
  const together = Math.max(1, Math.floor(most / rowBytes));
  for (let row = 0; row < rows; row += together) {
    const count = Math.min(together, rows - row);
    yield { start: row * rowBytes, end: (row + count) * rowBytes, shape: [count, ...rest] };
  }
}

/** Weights that are made of one tensor together, so that it is read once. */
export function weightsByTensor(weights: readonly ExternalTensor[]): ExternalTensor[][] {
  const groups = new Map<string, ExternalTensor[]>();
  for (const weight of weights) {
    const { tensor } = weight.source;
    const known = groups.get(tensor);
    if (known) known.push(weight);
    else groups.set(tensor, [weight]);
  }
  return [...groups.values()];
}

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
  const bytesOf = ({ type, source }: WeightKind): Uint8Array => {
    switch (source.as) {
      case 'stored':
        return stored.bytes;
      case 'values':
        return floatBytes(stored, type);
      case 'codes':
        return codesOf(source).codes;
      case 'scales':
        return encodeFloats(codesOf(source).scales, type === 'f16' ? 'F16' : 'F32');
    }
  };
  return weights.map(bytesOf);
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
