/**
 * What the module exports: `reference.ts` as WebAssembly SIMD, one function per formula and stored type (f32 = F32, i16 = F16, u16 = BF16,
 * u8 = F8_E4M3, i8 = F8_E5M2). The caller (`blocks.ts`) owns the memory and fills the last group of 32 elements with zeros, which every formula
 * maps to zero: unchanged and finite, so they count as nothing. No relaxed SIMD: its results differ between processors.
 */

// @ts-nocheck: AssemblyScript

import { combine, drop, narrow, narrowCounting, widen } from './arithmetic';
import { count } from './counts';
import { count8, narrow8, widen8 } from './float8';
import { narrow64, widen64 } from './float64';

export { changed, nonFinite } from './counts';
export { foldTile, scaleColumns, scaleRows } from './low-rank';

/** First free byte of memory. */
export function heapBase(): usize {
  return __heap_base;
}

export function addF32(out: usize, sft: usize, vector: usize, elements: i32, scale: f32): void {
  combine<f32, f32>(out, sft, vector, vector, elements, scale);
}
export function addDifferenceF32(out: usize, sft: usize, plus: usize, minus: usize, elements: i32, scale: f32): void {
  combine<f32, i32>(out, sft, plus, minus, elements, scale);
}
export function subtractF32(out: usize, plus: usize, minus: usize, elements: i32): void {
  combine<f32, i64>(out, plus, minus, minus, elements, 1);
}

export function addF16(out: usize, sft: usize, vector: usize, elements: i32, scale: f32): void {
  combine<i16, f32>(out, sft, vector, vector, elements, scale);
}
export function addDifferenceF16(out: usize, sft: usize, plus: usize, minus: usize, elements: i32, scale: f32): void {
  combine<i16, i32>(out, sft, plus, minus, elements, scale);
}
export function subtractF16(out: usize, plus: usize, minus: usize, elements: i32): void {
  combine<i16, i64>(out, plus, minus, minus, elements, 1);
}

export function addBF16(out: usize, sft: usize, vector: usize, elements: i32, scale: f32): void {
  combine<u16, f32>(out, sft, vector, vector, elements, scale);
}
export function addDifferenceBF16(out: usize, sft: usize, plus: usize, minus: usize, elements: i32, scale: f32): void {
  combine<u16, i32>(out, sft, plus, minus, elements, scale);
}
export function subtractBF16(out: usize, plus: usize, minus: usize, elements: i32): void {
  combine<u16, i64>(out, plus, minus, minus, elements, 1);
}

export function dropF32(
  out: usize, sft: usize, base: usize, vector: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<f32, f32>(out, sft, base, vector, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}

export function dropDifferenceF32(
  out: usize, sft: usize, base: usize, minus: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<f32, i32>(out, sft, base, minus, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}

export function dropF16(
  out: usize, sft: usize, base: usize, vector: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<i16, f32>(out, sft, base, vector, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}

export function dropDifferenceF16(
  out: usize, sft: usize, base: usize, minus: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<i16, i32>(out, sft, base, minus, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}

export function dropBF16(
  out: usize, sft: usize, base: usize, vector: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<u16, f32>(out, sft, base, vector, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}

export function dropDifferenceBF16(
  out: usize, sft: usize, base: usize, minus: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<u16, i32>(out, sft, base, minus, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}

export function widenF16(out: usize, stored: usize, elements: i32): void {
  widen<i16>(out, stored, elements);
}
export function widenBF16(out: usize, stored: usize, elements: i32): void {
  widen<u16>(out, stored, elements);
}
export function widenF8_E4M3(out: usize, stored: usize, elements: i32): void {
  widen8<u8>(out, stored, elements);
}
export function widenF8_E5M2(out: usize, stored: usize, elements: i32): void {
  widen8<i8>(out, stored, elements);
}
export function widenF64(out: usize, stored: usize, elements: i32): void {
  widen64(out, stored, elements);
}

export function narrowF32(out: usize, values: usize, elements: i32): void {
  narrow<f32>(out, values, elements);
}
export function narrowF16(out: usize, values: usize, elements: i32): void {
  narrow<i16>(out, values, elements);
}
export function narrowBF16(out: usize, values: usize, elements: i32): void {
  narrow<u16>(out, values, elements);
}
export function narrowF8_E4M3(out: usize, values: usize, elements: i32): void {
  narrow8<u8>(out, values, elements);
}
export function narrowF8_E5M2(out: usize, values: usize, elements: i32): void {
  narrow8<i8>(out, values, elements);
}
export function narrowF64(out: usize, values: usize, elements: i32): void {
  narrow64(out, values, elements);
}

export function countF32(stored: usize, untouched: usize, elements: i32): void {
  count<f32>(stored, untouched, elements);
}
export function narrowCountingF16(out: usize, values: usize, before: usize, scratch: usize, elements: i32): void {
  narrowCounting<i16>(out, values, before, scratch, elements);
}
export function narrowCountingBF16(out: usize, values: usize, before: usize, scratch: usize, elements: i32): void {
  narrowCounting<u16>(out, values, before, scratch, elements);
}
export function countF8_E4M3(stored: usize, untouched: usize, values: usize, elements: i32): void {
  count8<u8>(stored, untouched, values, elements);
}
export function countF8_E5M2(stored: usize, untouched: usize, values: usize, elements: i32): void {
  count8<i8>(stored, untouched, values, elements);
}
