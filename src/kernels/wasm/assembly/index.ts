/**
 * What the module exports: `reference.ts` as WebAssembly SIMD, one function per op and stored type (f32 = F32, i16 = F16, u16 = BF16).
 * The caller (`loader.ts`) owns the memory and fills the last group of 16 elements with zeros, which every op maps to zero: unchanged
 * and finite, so they count as nothing. No relaxed SIMD: its results differ between processors.
 */

// @ts-nocheck: AssemblyScript

import { add, addDifference, drop, narrow, subtract, widen } from './arithmetic';
import { count } from './counts';

export { changed, nonFinite } from './counts';

/** First free byte of memory. */
export function heapBase(): usize {
  return __heap_base;
}

export function addF32(out: usize, sft: usize, vector: usize, elements: i32, scale: f32): void {
  add<f32>(out, sft, vector, elements, scale);
}
export function addF16(out: usize, sft: usize, vector: usize, elements: i32, scale: f32): void {
  add<i16>(out, sft, vector, elements, scale);
}
export function addBF16(out: usize, sft: usize, vector: usize, elements: i32, scale: f32): void {
  add<u16>(out, sft, vector, elements, scale);
}

export function addDifferenceF32(out: usize, sft: usize, plus: usize, minus: usize, elements: i32, scale: f32): void {
  addDifference<f32>(out, sft, plus, minus, elements, scale);
}
export function addDifferenceF16(out: usize, sft: usize, plus: usize, minus: usize, elements: i32, scale: f32): void {
  addDifference<i16>(out, sft, plus, minus, elements, scale);
}
export function addDifferenceBF16(out: usize, sft: usize, plus: usize, minus: usize, elements: i32, scale: f32): void {
  addDifference<u16>(out, sft, plus, minus, elements, scale);
}

export function subtractF32(out: usize, plus: usize, minus: usize, elements: i32): void {
  subtract<f32>(out, plus, minus, elements);
}
export function subtractF16(out: usize, plus: usize, minus: usize, elements: i32): void {
  subtract<i16>(out, plus, minus, elements);
}
export function subtractBF16(out: usize, plus: usize, minus: usize, elements: i32): void {
  subtract<u16>(out, plus, minus, elements);
}

export function dropF32(
  out: usize, sft: usize, base: usize, vector: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<f32, f32>(out, sft, base, vector, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}
export function dropF16(
  out: usize, sft: usize, base: usize, vector: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<i16, f32>(out, sft, base, vector, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}
export function dropBF16(
  out: usize, sft: usize, base: usize, vector: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<u16, f32>(out, sft, base, vector, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}

export function dropDifferenceF32(
  out: usize, sft: usize, base: usize, minus: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<f32, i32>(out, sft, base, minus, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
}
export function dropDifferenceF16(
  out: usize, sft: usize, base: usize, minus: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  drop<i16, i32>(out, sft, base, minus, elements, scale, rescale, threshold, firstElement, seed0, seed1, name0, name1);
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

export function narrowF32(out: usize, values: usize, elements: i32): void {
  narrow<f32>(out, values, elements);
}
export function narrowF16(out: usize, values: usize, elements: i32): void {
  narrow<i16>(out, values, elements);
}
export function narrowBF16(out: usize, values: usize, elements: i32): void {
  narrow<u16>(out, values, elements);
}

export function countF32(stored: usize, untouched: usize, elements: i32): void {
  count<f32>(stored, untouched, elements);
}
export function countF16(stored: usize, untouched: usize, elements: i32): void {
  count<i16>(stored, untouched, elements);
}
export function countBF16(stored: usize, untouched: usize, elements: i32): void {
  count<u16>(stored, untouched, elements);
}
