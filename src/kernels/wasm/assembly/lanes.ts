/**
 * Stored elements to float32 lanes and back, eight elements at a time, whatever they are. `T` is only a tag for the stored type:
 * f32 = F32, u16 = BF16, i16 = F16; the branches on it are decided at compile time.
 */

// @ts-nocheck: AssemblyScript

const TWO_POW_112: f32 = 5.192296858534828e33;
const TWO_POW_MINUS_110: f32 = 7.703719777548943e-34;

/** Elements 0 to 3 of the eight at `at`, widened exactly. */
// @ts-ignore: decorator
@inline
export function low<T>(at: usize): v128 {
  const stored = v128.load(at);
  if (isFloat<T>()) return stored;
  if (isSigned<T>()) return halfToFloat(i16x8.shuffle(i16x8.shl(stored, 13), halfUpper(stored), 0, 8, 1, 9, 2, 10, 3, 11));
  return i16x8.shuffle(i32x4.splat(0), stored, 0, 8, 1, 9, 2, 10, 3, 11);
}

/** Elements 4 to 7. */
// @ts-ignore: decorator
@inline
export function high<T>(at: usize): v128 {
  if (isFloat<T>()) return v128.load(at, 16);
  const stored = v128.load(at);
  if (isSigned<T>()) return halfToFloat(i16x8.shuffle(i16x8.shl(stored, 13), halfUpper(stored), 4, 12, 5, 13, 6, 14, 7, 15));
  return i16x8.shuffle(i32x4.splat(0), stored, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Eight float32 -> eight stored elements at `at`, one rounding to nearest even, NaN canonical. */
// @ts-ignore: decorator
@inline
export function store<T>(at: usize, first: v128, second: v128): void {
  if (isFloat<T>()) {
    v128.store(at, canonical(first));
    v128.store(at, canonical(second), 16);
  } else if (isSigned<T>()) {
    v128.store(at, floatsToHalves(first, second));
  } else {
    v128.store(at, i16x8.narrow_i32x4_u(floatToBfloat(first), floatToBfloat(second)));
  }
}

/** float32 with every NaN the canonical one. */
// @ts-ignore: decorator
@inline
export function canonical(value: v128): v128 {
  return v128.bitselect(i32x4.splat(0x7fc00000), value, f32x4.ne(value, value));
}

/**
 * Upper halves of float32 patterns with binary16's own exponent: sign, then exponent and fraction three bits down;
 * infinity and NaN get float32's full exponent. The three lowest fraction bits go to the lower half (stored << 13).
 */
// @ts-ignore: decorator
@inline
function halfUpper(stored: v128): v128 {
  const magnitude = v128.and(stored, i16x8.splat(0x7fff));
  const special = v128.and(i16x8.gt_s(magnitude, i16x8.splat(0x7bff)), i16x8.splat(0x7f80));
  return v128.or(v128.or(i16x8.shr_u(magnitude, 3), v128.and(stored, i16x8.splat(<i16>0x8000))), special);
}

/** One exact multiplication moves the exponent bias from 15 to 127 and normalises binary16's subnormals. */
// @ts-ignore: decorator
@inline
function halfToFloat(pattern: v128): v128 {
  return f32x4.mul(pattern, f32x4.splat(TWO_POW_112));
}

// @ts-ignore: decorator
@inline
function floatsToHalves(first: v128, second: v128): v128 {
  const magnitude = i16x8.narrow_i32x4_u(halfMagnitude(first), halfMagnitude(second));
  const upper = i16x8.narrow_i32x4_s(i32x4.shr_s(first, 16), i32x4.shr_s(second, 16));
  const signed = v128.or(magnitude, v128.and(upper, i16x8.splat(<i16>0x8000)));
  const nan = i16x8.narrow_i32x4_s(f32x4.ne(first, first), f32x4.ne(second, second));
  return v128.bitselect(i16x8.splat(0x7e00), signed, nan);
}

/**
 * float32 -> binary16 pattern without sign; anything for NaN. The float adder does the rounding: adding the power of two that is 2^13 times
 * the last kept place pushes the rest out (the trick of Maratyszcza's FP16). 2^112 * 2^-110 turns 2^16 and more into infinity.
 */
// @ts-ignore: decorator
@inline
function halfMagnitude(value: v128): v128 {
  const magnitude = v128.and(value, i32x4.splat(0x7fffffff));
  const exponent = v128.and(i32x4.add(magnitude, i32x4.splat(0x07800000)), i32x4.splat(0x7f800000));
  const pusher = i32x4.max_s(exponent, i32x4.splat(0x40000000)); // at least 2.0, where the last place is binary16's smallest subnormal, times 4
  const scaled = f32x4.mul(f32x4.mul(magnitude, f32x4.splat(TWO_POW_112)), f32x4.splat(TWO_POW_MINUS_110));
  const pushed = f32x4.add(scaled, pusher);
  return i32x4.add(v128.and(i32x4.shr_u(pushed, 13), i32x4.splat(0x7c00)), v128.and(pushed, i32x4.splat(0x0fff)));
}

/** float32 -> bfloat16 pattern in the low half of each lane. */
// @ts-ignore: decorator
@inline
function floatToBfloat(value: v128): v128 {
  const odd = v128.and(i32x4.shr_u(value, 16), i32x4.splat(1));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(value, i32x4.splat(0x7fff)), odd), 16);
  return v128.bitselect(i32x4.splat(0x7fc0), rounded, f32x4.ne(value, value));
}
