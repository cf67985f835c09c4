/**
 * The two 8-bit floats (core/float8.ts) to float32 and back. They are stored types only: the arithmetic on them is that of F32. T tags the type:
 * u8 = F8_E4M3, i8 = F8_E5M2.
 */

// @ts-nocheck: AssemblyScript

import { setCounts } from './counts';

/** Exact; elements in steps of 8. */
export function widen8<T>(out: usize, stored: usize, elements: i32): void {
  for (let i: usize = 0; i < <usize>elements; i += 8) {
    const bytes = v128.load8x8_u(stored + i);
    v128.store(out + (i << 2), toFloat<T>(i32x4.extend_low_i16x8_u(bytes)));
    v128.store(out + (i << 2), toFloat<T>(i32x4.extend_high_i16x8_u(bytes)), 16);
  }
}

/** A byte per lane -> float32: exponent and fraction in their places, then one exact multiplication by the difference of the biases. */
// @ts-ignore: decorator
@inline
function toFloat<T>(byte: v128): v128 {
  const magnitude = v128.and(byte, i32x4.splat(0x7f));
  const sign = i32x4.shl(v128.and(byte, i32x4.splat(0x80)), 24);
  const placed = i32x4.shl(magnitude, 23 - fractionBits<T>());
  const value = f32x4.mul(placed, f32x4.splat(biasPower<T>()));
  if (isSigned<T>()) {
    const infinite = v128.and(i32x4.gt_s(magnitude, i32x4.splat(0x7b)), i32x4.splat(0x7f800000));
    return v128.or(v128.or(value, infinite), sign);
  }
  const nan = v128.and(i32x4.eq(magnitude, i32x4.splat(0x7f)), i32x4.splat(0x7fc00000));
  return v128.or(v128.or(value, nan), sign);
}

/** One rounding to nearest even, NaN 0x7f; elements in steps of 16. */
export function narrow8<T>(out: usize, values: usize, elements: i32): void {
  for (let i: usize = 0; i < <usize>elements; i += 16) {
    const at = values + (i << 2);
    const first = i16x8.narrow_i32x4_u(toByte<T>(v128.load(at)), toByte<T>(v128.load(at, 16)));
    const second = i16x8.narrow_i32x4_u(toByte<T>(v128.load(at, 32)), toByte<T>(v128.load(at, 48)));
    v128.store(out + i, i8x16.narrow_i16x8_u(first, second));
  }
}

/**
 * The float adder rounds (as in lanes.ts): a power of two whose last place is the last kept place of the value pushes the rest out. Values
 * beyond the largest are brought down before, to what becomes the largest (E4M3) or infinity (E5M2).
 */
// @ts-ignore: decorator
@inline
function toByte<T>(value: v128): v128 {
  const magnitude = f32x4.pmin(f32x4.splat(limit<T>()), v128.and(value, i32x4.splat(0x7fffffff)));
  const exponent = i32x4.max_s(v128.and(magnitude, i32x4.splat(0x7f800000)), i32x4.splat(smallest<T>() << 23));
  const pushed = f32x4.add(magnitude, i32x4.add(exponent, i32x4.splat((23 - fractionBits<T>()) << 23)));
  const field = i32x4.shr_u(i32x4.sub(exponent, i32x4.splat(smallest<T>() << 23)), 23 - fractionBits<T>());
  const pattern = i32x4.add(field, v128.and(pushed, i32x4.splat(0xff)));
  const signed = v128.or(pattern, v128.and(i32x4.shr_u(value, 24), i32x4.splat(0x80)));
  return v128.bitselect(i32x4.splat(0x7f), signed, f32x4.ne(value, value));
}

/**
 * Sets the counts (counts.ts) of elements in steps of 16: `stored` and `untouched` are bytes of T, `values` what `stored` was rounded from, where
 * E4M3 shows what was infinite or too large.
 */
export function count8<T>(stored: usize, untouched: usize, values: usize, elements: i32): void {
  let changed = 0;
  let nonFinite = 0;
  for (let i: usize = 0; i < <usize>elements; i += 16) {
    const a = v128.load(stored + i);
    const b = v128.load(untouched + i);
    const zeros = i8x16.eq(v128.and(v128.or(a, b), i8x16.splat(0x7f)), i8x16.splat(0));
    changed += popcnt(i8x16.bitmask(v128.andnot(i8x16.ne(a, b), zeros)));
    nonFinite += popcnt(i8x16.bitmask(tooLarge<T>(values + (i << 2), a)));
  }
  setCounts(changed, nonFinite);
}

/** -1 in the lanes of sixteen elements that are NaN or infinite, or were too large. */
// @ts-ignore: decorator
@inline
function tooLarge<T>(values: usize, stored: v128): v128 {
  if (isSigned<T>()) return i8x16.gt_s(v128.and(stored, i8x16.splat(0x7f)), i8x16.splat(0x7b));
  const first = i16x8.narrow_i32x4_s(beyond(v128.load(values)), beyond(v128.load(values, 16)));
  const second = i16x8.narrow_i32x4_s(beyond(v128.load(values, 32)), beyond(v128.load(values, 48)));
  return i8x16.narrow_i16x8_s(first, second);
}

/** NaN, or halfway past E4M3's largest value and more: above 464. */
// @ts-ignore: decorator
@inline
function beyond(value: v128): v128 {
  return i32x4.gt_s(v128.and(value, i32x4.splat(0x7fffffff)), i32x4.splat(0x43e80000));
}

// @ts-ignore: decorator
@inline
function fractionBits<T>(): i32 {
  return isSigned<T>() ? 2 : 3;
}

/** float32's exponent field of the smallest normal number: 2^-14 or 2^-6. */
// @ts-ignore: decorator
@inline
function smallest<T>(): i32 {
  return isSigned<T>() ? 113 : 121;
}

/** 2 to the difference of the biases: 127 - 15 or 127 - 7. */
// @ts-ignore: decorator
@inline
function biasPower<T>(): f32 {
  return isSigned<T>() ? 5.192296858534828e33 : 1.329227995784916e36;
}

// @ts-ignore: decorator
@inline
function limit<T>(): f32 {
  return isSigned<T>() ? 65536 : 448;
}
