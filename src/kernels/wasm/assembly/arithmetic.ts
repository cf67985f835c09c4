/** The formulas over runs of elements of one stored type; T tags it as in lanes.ts. `out` must not overlap an input. */

// @ts-nocheck: AssemblyScript

import { high, low, store } from './lanes';

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
 * out = (base + kept) + scale * vector, kept = word < threshold ? 0 : (sft - base) * rescale; elements in steps of 16. V tags what `last`
 * holds: f32 the vector, i32 what is subtracted from base to get it.
 * `firstElement` is a multiple of 16, so a step is four whole Philox blocks, one per lane, and lane l of word w belongs to
 * element 4 * w + l (the layout of core/philox.ts).
 */
export function drop<T, V>(
  out: usize, sft: usize, base: usize, last: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  const s = f32x4.splat(scale);
  const r = f32x4.splat(rescale);
  const t = i32x4.splat(<i32>threshold);
  const half: usize = 8 * sizeof<T>();
  const end = <usize>elements * sizeof<T>();
  let block: u64 = <u64>firstElement >> 2;
  for (let i: usize = 0; i < end; i += 2 * half) {
    let c0 = i32x4.add(i32x4.splat(<i32>block), i32x4(0, 1, 2, 3));
    let c1 = i32x4.splat(<i32>(block >> 32));
    let c2 = i32x4.splat(name0);
    let c3 = i32x4.splat(name1);
    let key0 = seed0;
    let key1 = seed1;
    for (let round = 0; round < 10; round++) {
      const low0 = i64x2.extmul_low_i32x4_u(c0, i32x4.splat(<i32>0xd2511f53));
      const high0 = i64x2.extmul_high_i32x4_u(c0, i32x4.splat(<i32>0xd2511f53));
      const low2 = i64x2.extmul_low_i32x4_u(c2, i32x4.splat(<i32>0xcd9e8d57));
      const high2 = i64x2.extmul_high_i32x4_u(c2, i32x4.splat(<i32>0xcd9e8d57));
      c0 = v128.xor(v128.xor(i32x4.shuffle(low2, high2, 1, 3, 5, 7), c1), i32x4.splat(key0));
      c2 = v128.xor(v128.xor(i32x4.shuffle(low0, high0, 1, 3, 5, 7), c3), i32x4.splat(key1));
      c1 = i32x4.shuffle(low2, high2, 0, 2, 4, 6);
      c3 = i32x4.shuffle(low0, high0, 0, 2, 4, 6);
      key0 += <i32>0x9e3779b9;
      key1 += <i32>0xbb67ae85;
    }
    store<T>(
      out + i,
      dropped<V>(low<T>(sft + i), low<T>(base + i), low<T>(last + i), s, r, i32x4.lt_u(c0, t)),
      dropped<V>(high<T>(sft + i), high<T>(base + i), high<T>(last + i), s, r, i32x4.lt_u(c1, t)),
    );
    const j = i + half;
    store<T>(
      out + j,
      dropped<V>(low<T>(sft + j), low<T>(base + j), low<T>(last + j), s, r, i32x4.lt_u(c2, t)),
      dropped<V>(high<T>(sft + j), high<T>(base + j), high<T>(last + j), s, r, i32x4.lt_u(c3, t)),
    );
    block += 4;
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
