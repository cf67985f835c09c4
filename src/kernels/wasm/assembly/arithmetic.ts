/** The formulas over runs of elements of one stored type; T tags it as in lanes.ts. `out` must not overlap an input. */

// @ts-nocheck: AssemblyScript

import { high, low, store } from './lanes';
import { maskWords } from './mask';

/** out = sft + scale * vector; elements in steps of 8. */
export function add<T>(out: usize, sft: usize, vector: usize, elements: i32, scale: f32): void {
  const s = f32x4.splat(scale);
  const end = <usize>elements * sizeof<T>();
  for (let i: usize = 0; i < end; i += 8 * sizeof<T>()) {
    const first = f32x4.add(low<T>(sft + i), f32x4.mul(s, low<T>(vector + i)));
    const second = f32x4.add(high<T>(sft + i), f32x4.mul(s, high<T>(vector + i)));
    store<T>(out + i, first, second);
  }
}

/** out = plus - minus; elements in steps of 8. */
export function subtract<T>(out: usize, plus: usize, minus: usize, elements: i32): void {
  const end = <usize>elements * sizeof<T>();
  for (let i: usize = 0; i < end; i += 8 * sizeof<T>()) {
    store<T>(out + i, f32x4.sub(low<T>(plus + i), low<T>(minus + i)), f32x4.sub(high<T>(plus + i), high<T>(minus + i)));
  }
}

/** out = sft + scale * (plus - minus); elements in steps of 8. */
export function addDifference<T>(out: usize, sft: usize, plus: usize, minus: usize, elements: i32, scale: f32): void {
  const s = f32x4.splat(scale);
  const end = <usize>elements * sizeof<T>();
  for (let i: usize = 0; i < end; i += 8 * sizeof<T>()) {
    const first = f32x4.add(low<T>(sft + i), f32x4.mul(s, f32x4.sub(low<T>(plus + i), low<T>(minus + i))));
    const second = f32x4.add(high<T>(sft + i), f32x4.mul(s, f32x4.sub(high<T>(plus + i), high<T>(minus + i))));
    store<T>(out + i, first, second);
  }
}

/**
 * out = (base + kept) + scale * vector, kept = word < threshold ? 0 : (sft - base) * rescale. V tags what `last` holds: f32 the vector,
 * i32 what is subtracted from base to get it. `firstElement` is a multiple of 16. Steps are of 32 elements: up to 16 more are read and
 * written than asked for, within the slots (module.ts).
 */
export function drop<T, V>(
  out: usize, sft: usize, base: usize, last: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  const s = f32x4.splat(scale);
  const r = f32x4.splat(rescale);
  const t = i32x4.splat(<i32>threshold);
  const words = memory.data(128, 16);
  const end = <usize>elements * sizeof<T>();
  let block: u64 = <u64>firstElement >> 2;
  for (let i: usize = 0; i < end; i += 32 * sizeof<T>()) {
    maskWords(words, block, seed0, seed1, name0, name1);
    for (let k: usize = 0; k < 32; k += 8) {
      const at = i + k * sizeof<T>();
      const word = words + (k << 2);
      store<T>(
        out + at,
        dropped<V>(low<T>(sft + at), low<T>(base + at), low<T>(last + at), s, r, i32x4.lt_u(v128.load(word), t)),
        dropped<V>(high<T>(sft + at), high<T>(base + at), high<T>(last + at), s, r, i32x4.lt_u(v128.load(word, 16), t)),
      );
    }
    block += 8;
  }
}

// @ts-ignore: decorator
@inline
function dropped<V>(sft: v128, base: v128, last: v128, scale: v128, rescale: v128, mask: v128): v128 {
  const vector = isFloat<V>() ? last : f32x4.sub(base, last);
  const kept = v128.andnot(f32x4.mul(f32x4.sub(sft, base), rescale), mask);
  return f32x4.add(f32x4.add(base, kept), f32x4.mul(scale, vector));
}

/** Stored elements -> float32; elements in steps of 8. */
export function widen<T>(out: usize, stored: usize, elements: i32): void {
  for (let i: usize = 0; i < <usize>elements; i += 8) {
    const at = stored + i * sizeof<T>();
    store<f32>(out + (i << 2), low<T>(at), high<T>(at));
  }
}

/** float32 -> stored elements, rounded once. */
export function narrow<T>(out: usize, values: usize, elements: i32): void {
  for (let i: usize = 0; i < <usize>elements; i += 8) {
    const at = values + (i << 2);
    store<T>(out + i * sizeof<T>(), low<f32>(at), high<f32>(at));
  }
}
