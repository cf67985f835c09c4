/**
 * The formulas over runs of elements of one stored type; T tags it as in lanes.ts. `out` must not overlap an input; elements come in steps
 * of 32. Each formula stands here twice, as one loop for blocks in which all is finite (pairs.ts, which is nearly always and twice as fast) and
 * as one that knows NaN and infinity (lanes.ts): the first gives up where it does not hold. Both set the counts (counts.ts).
 *
 * V tags what is added: f32 a stored vector in b, i32 the difference b - c, i64 the difference a - b alone, with nothing it is added to.
 */

// @ts-nocheck: AssemblyScript

import { count, countEquals, equals, signs } from './counts';
import { high, low, store } from './lanes';
import { dropMask } from './mask';
import { even, finite, largest, odd, pack, patterns, special } from './pairs';

/** out = a + scale * b, a + scale * (b - c) or a - b. */
export function combine<T, V>(out: usize, a: usize, b: usize, c: usize, elements: i32, scale: f32): void {
  if (combineFinite<T, V>(out, a, b, c, elements, scale)) return;
  const s = f32x4.splat(scale);
  const end = <usize>elements * sizeof<T>();
  for (let i: usize = 0; i < end; i += 8 * sizeof<T>()) {
    store<T>(
      out + i,
      formula<V>(low<T>(a + i), low<T>(b + i), low<T>(c + i), s),
      formula<V>(high<T>(a + i), high<T>(b + i), high<T>(c + i), s),
    );
  }
  count<T>(out, takesTwo<V>() ? 0 : a, elements);
}

// @ts-ignore: decorator
@inline
function formula<V>(a: v128, b: v128, c: v128, scale: v128): v128 {
  if (isFloat<V>()) return f32x4.add(a, f32x4.mul(scale, b));
  if (sizeof<V>() == 4) return f32x4.add(a, f32x4.mul(scale, f32x4.sub(b, c)));
  return f32x4.sub(a, b);
}

/** False where something is not finite; then out and the counts mean nothing. Two vectors a step: a sixth faster than one. */
function combineFinite<T, V>(out: usize, a: usize, b: usize, c: usize, elements: i32, scale: f32): bool {
  const s = f32x4.splat(scale);
  let worst = i32x4.splat(0);
  let most = i32x4.splat(0);
  let same = i32x4.splat(0);
  let turned = i32x4.splat(0);
  const bytes = <usize>elements * sizeof<T>();
  for (let i: usize = 0; i < bytes; i += 32) {
    const a0 = v128.load(a + i);
    const b0 = v128.load(b + i);
    const c0 = v128.load(c + i);
    const a1 = v128.load(a + i, 16);
    const b1 = v128.load(b + i, 16);
    const c1 = v128.load(c + i, 16);
    const even0 = formula<V>(even<T>(a0), even<T>(b0), even<T>(c0), s);
    const even1 = formula<V>(even<T>(a1), even<T>(b1), even<T>(c1), s);
    const odd0 = formula<V>(odd<T>(a0), odd<T>(b0), odd<T>(c0), s);
    const odd1 = formula<V>(odd<T>(a1), odd<T>(b1), odd<T>(c1), s);
    const out0 = pack<T>(even0, odd0);
    const out1 = pack<T>(even1, odd1);
    v128.store(out + i, out0);
    v128.store(out + i, out1, 16);
    worst = largest<T>(largest<T>(worst, even0, odd0), even1, odd1);
    most = patterns<T>(patterns<T>(patterns<T>(patterns<T>(most, a0), b0), a1), b1);
    if (takesThree<V>()) most = patterns<T>(patterns<T>(most, c0), c1);
    same = equals<T>(equals<T>(same, out0, before<V>(a0)), out1, before<V>(a1));
    turned = signs<T>(signs<T>(turned, out0, before<V>(a0)), out1, before<V>(a1));
  }
  if (special<T>(most) || !finite<T>(worst)) return false;
  if (!countEquals<T>(same, turned, elements)) count<T>(out, takesTwo<V>() ? 0 : a, elements);
  return true;
}

/**
 * out = (base + kept) + scale * vector, kept = word < threshold ? 0 : (sft - base) * rescale; the vector is `last`, or base - last. The first
 * element is 4 * block, a multiple of 16.
 */
export function drop<T, V>(
  out: usize, sft: usize, base: usize, last: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  firstElement: f64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  const first = <u64>firstElement >> 2;
  if (dropFinite<T, V>(out, sft, base, last, elements, scale, rescale, threshold, first, seed0, seed1, name0, name1)) return;
  const s = f32x4.splat(scale);
  const r = f32x4.splat(rescale);
  const masks = memory.data(128, 16);
  const end = <usize>elements * sizeof<T>();
  let block = first;
  for (let i: usize = 0; i < end; i += 32 * sizeof<T>()) {
    dropMask<f32>(masks, block, threshold, seed0, seed1, name0, name1);
    for (let k: usize = 0; k < 32; k += 8) {
      const at = i + k * sizeof<T>();
      const mask = masks + (k << 2);
      store<T>(
        out + at,
        dropped<V>(low<T>(sft + at), low<T>(base + at), low<T>(last + at), s, r, v128.load(mask)),
        dropped<V>(high<T>(sft + at), high<T>(base + at), high<T>(last + at), s, r, v128.load(mask, 16)),
      );
    }
    block += 8;
  }
  count<T>(out, sft, elements);
}

// @ts-ignore: decorator
@inline
function dropped<V>(sft: v128, base: v128, last: v128, scale: v128, rescale: v128, mask: v128): v128 {
  const vector = isFloat<V>() ? last : f32x4.sub(base, last);
  const kept = v128.andnot(f32x4.mul(f32x4.sub(sft, base), rescale), mask);
  return f32x4.add(f32x4.add(base, kept), f32x4.mul(scale, vector));
}

/** As combineFinite. */
function dropFinite<T, V>(
  out: usize, sft: usize, base: usize, last: usize, elements: i32, scale: f32, rescale: f32, threshold: u32,
  first: u64, seed0: i32, seed1: i32, name0: i32, name1: i32,
): bool {
  const s = f32x4.splat(scale);
  const r = f32x4.splat(rescale);
  let worst = i32x4.splat(0);
  let most = i32x4.splat(0);
  let same = i32x4.splat(0);
  let turned = i32x4.splat(0);
  const masks = memory.data(128, 16);
  const bytes = <usize>elements * sizeof<T>();
  let block = first;
  for (let i: usize = 0; i < bytes; i += 32 * sizeof<T>()) {
    dropMask<T>(masks, block, threshold, seed0, seed1, name0, name1);
    for (let k: usize = 0; k < 32 * sizeof<T>(); k += 16) {
      const at = i + k;
      const a = v128.load(sft + at);
      const b = v128.load(base + at);
      const c = v128.load(last + at);
      const mask = masks + (isFloat<T>() ? k : k << 1);
      const evens = dropped<V>(even<T>(a), even<T>(b), even<T>(c), s, r, v128.load(mask));
      const odds = isFloat<T>() ? evens : dropped<V>(odd<T>(a), odd<T>(b), odd<T>(c), s, r, v128.load(mask, 16));
      const stored = pack<T>(evens, odds);
      v128.store(out + at, stored);
      worst = largest<T>(worst, evens, odds);
      most = patterns<T>(patterns<T>(patterns<T>(most, a), b), c);
      same = equals<T>(same, stored, a);
      turned = signs<T>(turned, stored, a);
    }
    block += 8;
  }
  if (special<T>(most) || !finite<T>(worst)) return false;
  if (!countEquals<T>(same, turned, elements)) count<T>(out, sft, elements);
  return true;
}

/** Stored elements -> float32, exactly; elements in steps of 8. */
export function widen<T>(out: usize, stored: usize, elements: i32): void {
  for (let i: usize = 0; i < <usize>elements; i += 8) {
    const at = stored + i * sizeof<T>();
    v128.store(out + (i << 2), low<T>(at));
    v128.store(out + (i << 2), high<T>(at), 16);
  }
}

/** float32 -> stored elements, rounded once, NaN canonical. Sets no counts. */
export function narrow<T>(out: usize, values: usize, elements: i32): void {
  if (!isFloat<T>() && narrowFinite<T>(out, values, elements)) return;
  for (let i: usize = 0; i < <usize>elements; i += 8) {
    const at = values + (i << 2);
    store<T>(out + i * sizeof<T>(), low<f32>(at), high<f32>(at));
  }
}

function narrowFinite<T>(out: usize, values: usize, elements: i32): bool {
  let worst = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>elements; i += 8) {
    const first = v128.load(values + (i << 2));
    const second = v128.load(values + (i << 2), 16);
    worst = largest<T>(worst, first, second);
    v128.store(out + (i << 1), inOrder(pack<T>(first, second)));
  }
  return finite<T>(worst);
}

/** Narrows `values`, and `before` too (0 stands for zeros), into `scratch` where it must, and counts. T is not F32. */
export function narrowCounting<T>(out: usize, values: usize, before: usize, scratch: usize, elements: i32): void {
  if (before && narrowCountingFinite<T>(out, values, before, elements)) return;
  narrow<T>(out, values, elements);
  if (before) narrow<T>(scratch, before, elements);
  count<T>(out, before ? scratch : 0, elements);
}

/** As combineFinite. */
function narrowCountingFinite<T>(out: usize, values: usize, before: usize, elements: i32): bool {
  let worst = i32x4.splat(0);
  let same = i32x4.splat(0);
  let turned = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>elements; i += 8) {
    const first = v128.load(values + (i << 2));
    const second = v128.load(values + (i << 2), 16);
    const first0 = v128.load(before + (i << 2));
    const second0 = v128.load(before + (i << 2), 16);
    const stored = pack<T>(first, second);
    const untouched = pack<T>(first0, second0);
    v128.store(out + (i << 1), inOrder(stored));
    worst = largest<T>(largest<T>(worst, first, second), first0, second0);
    same = equals<T>(same, stored, untouched);
    turned = signs<T>(turned, stored, untouched);
  }
  return finite<T>(worst) && countEquals<T>(same, turned, elements);
}

/** What was packed from elements 0 to 3 and 4 to 7, as if these were the even and the odd ones. */
// @ts-ignore: decorator
@inline
function inOrder(packed: v128): v128 {
  return i16x8.shuffle(packed, packed, 0, 2, 4, 6, 1, 3, 5, 7);
}

/** V's formula has no c. */
// @ts-ignore: decorator
@inline
function takesThree<V>(): bool {
  return !isFloat<V>() && sizeof<V>() == 4;
}

/** V's formula adds to nothing, so that what was there before is zero. */
// @ts-ignore: decorator
@inline
function takesTwo<V>(): bool {
  return sizeof<V>() == 8;
}

// @ts-ignore: decorator
@inline
function before<V>(a: v128): v128 {
  return takesTwo<V>() ? i32x4.splat(0) : a;
}
