/** The compiled module as TypeScript sees it: the exports of `assembly/index.ts` and the layout of the memory we give it. */

import type { FloatDtype, KernelDtype } from '../../core/dtype.ts';
import { workspace } from '../../core/wasm.ts';

/**
 * Elements per block, a multiple of 32 and at most 524,272 (counts.ts). Larger blocks gain under 5 %, blocks of 8 Ki lose 15 %; the four slots,
 * half a megabyte in float32, still fit the second-level caches of ten years.
 */
export const BLOCK = 32768;
/** Bytes of one block as float32. */
const SLOT = BLOCK * 4;

type Add = (out: number, sft: number, vector: number, elements: number, scale: number) => void;
type AddDifference = (out: number, sft: number, plus: number, minus: number, elements: number, scale: number) => void;
type Subtract = (out: number, plus: number, minus: number, elements: number) => void;
type Drop = (
  ...args: [
    ...operands: [out: number, sft: number, base: number, minusOrVector: number, elements: number],
    scale: number,
    rescale: number,
    threshold: number,
    firstElement: number,
    ...words: [number, number, number, number],
  ]
) => void;
type Convert = (out: number, from: number, elements: number) => void;
/** `before` (float32) and `untouched` (as stored) 0 stand for zeros. */
type NarrowCounting = (out: number, values: number, before: number, scratch: number, elements: number) => void;
type Count = (stored: number, untouched: number, elements: number) => void;
type Count8 = (stored: number, untouched: number, values: number, elements: number) => void;

type FoldTile = (
  ...args: [
    ...operands: [tile: number, lines: number, across: number],
    ...sizes: [rows: number, columns: number, rank: number],
    scale: number,
  ]
) => void;
type ScaleTile = (tile: number, factors: number, rows: number, columns: number) => void;

/** Numbers that name memory are byte offsets, multiples of 16; `elements` are multiples of 32. */
export type KernelModule = {
  memory: WebAssembly.Memory;
  heapBase(): number;
  /** Of the last call of a formula or a count. */
  changed: WebAssembly.Global<'i32'>;
  nonFinite: WebAssembly.Global<'i32'>;
} & Record<`add${KernelDtype}`, Add> &
  Record<`addDifference${KernelDtype}`, AddDifference> &
  Record<`drop${KernelDtype}` | `dropDifference${KernelDtype}`, Drop> &
  Record<`subtract${KernelDtype}`, Subtract> &
  Record<`widen${Exclude<FloatDtype, 'F32'>}`, Convert> &
  Record<`narrow${FloatDtype}`, Convert> &
  Record<'countF32', Count> &
  Record<'narrowCountingF16' | 'narrowCountingBF16', NarrowCounting> &
  Record<'countF8_E4M3' | 'countF8_E5M2', Count8> & { foldTile: FoldTile } & Record<
    'scaleRows' | 'scaleColumns',
    ScaleTile
  >;

/** Byte offsets of four blocks, side by side: up to three inputs in their order, then the result, which has room for a block of F64. */
export type Slots = readonly [first: number, second: number, third: number, result: number];

/** Grows the memory once; nothing grows it later. */
export function layOut(module: KernelModule): Slots {
  const base = workspace(module, 5 * SLOT);
  return [base, base + SLOT, base + 2 * SLOT, base + 3 * SLOT];
}
