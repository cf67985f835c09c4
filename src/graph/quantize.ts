/**
 * Weights in four or eight bits with a scale for each block of 32 along the inputs, symmetric: what MatMulNBits of onnxruntime reads
 * (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits). A code c stands for
 * (c - 2^(bits-1)) * scale; the number of largest magnitude in a block is met exactly, as -2^(bits-1) * scale.
 */

import type { Precision } from './precision.ts';

/** Small enough that one large weight spoils few others; 4 bytes of scale per 32 numbers. */
export const QUANTIZED_BLOCK = 32;

export interface Quantization {
  /** Of linear layers. */
  bits: 4 | 8;
  /** Of the embedding and the head: an error there reaches every token, and eight bits for both at once is little. */
  tableBits: 8;
  /** The runtime can read rows of a quantized table by itself (onnxruntime's WebGPU provider; its CPU provider in a browser cannot). */
  gatherBlocks: boolean;
}

export function quantizationOf(precision: Precision, onGpu: boolean): Quantization | undefined {
  if (precision !== 'int8' && precision !== 'int4') return undefined;
  return { bits: precision === 'int8' ? 8 : 4, tableBits: 8, gatherBlocks: onGpu };
}

export interface Quantized {
  /** [rows, blocks, 32 * bits / 8]; of two codes in a byte the first is the low half. */
  codes: Uint8Array;
  /** [rows * blocks]. */
  scales: Float32Array;
}

/** @param values [rows, columns] row-major, columns a multiple of 32; NaN becomes the code of 0 */
export function quantize(values: Float32Array, rows: number, columns: number, bits: 4 | 8): Quantized {
  const blocks = (rows * columns) / QUANTIZED_BLOCK;
  const codes = new Uint8Array((rows * columns * bits) / 8);
  const scales = new Float32Array(blocks);
  const zero = 2 ** (bits - 1);
  const largest = 2 * zero - 1;
  for (let block = 0; block < blocks; block++) {
    const from = block * QUANTIZED_BLOCK;
    const extreme = extremeOf(values, from);
    const scale = Math.fround(extreme / -zero);
    scales[block] = scale;
    const perUnit = scale === 0 ? 0 : 1 / scale;
    for (let i = from; i < from + QUANTIZED_BLOCK; i++) {
      const nearest = Math.min(largest, Math.max(0, Math.round(values[i]! * perUnit) + zero));
      const code = nearest >= 0 ? nearest : zero; // NaN is none
      if (bits === 8) codes[i] = code;
      else codes[i >> 1]! |= i & 1 ? code << 4 : code;
    }
  }
  return { codes, scales };
}

/** The number of largest magnitude in a block. */
function extremeOf(values: Float32Array, from: number): number {
  let extreme = 0;
  let magnitude = 0;
  for (let i = from; i < from + QUANTIZED_BLOCK; i++) {
    const size = Math.abs(values[i]!);
    if (size > magnitude) {
      magnitude = size;
      extreme = values[i]!;
    }
  }
  return extreme;
}
