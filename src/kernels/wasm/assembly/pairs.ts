/**
 * Eight stored elements as two vectors of float32, the even ones and the odd ones, and back, for elements that are finite and fit: half the
 * instructions of lanes.ts, which knows NaN and infinity too. Whoever uses this keeps watch (`large`, `largest`) and does a block anew with
 * lanes.ts when something was not finite. T tags the stored type: u16 = BF16, i16 = F16; f32 stands for itself, four elements in one vector.
 */

// @ts-nocheck: AssemblyScript

const TWO_POW_112: f32 = 5.192296858534828e33;

/** The even elements, widened exactly. A binary16 infinity or NaN comes out as 65536 and more: see `special`. */
// @ts-ignore: decorator
@inline
export function even<T>(stored: v128): v128 {
  if (isFloat<T>()) return stored;
  const upper = i32x4.shl(stored, 16);
  return isSigned<T>() ? halves(upper) : upper;
}

/** The odd elements. */
// @ts-ignore: decorator
@inline
export function odd<T>(stored: v128): v128 {
  if (isFloat<T>()) return stored;
  return isSigned<T>() ? halves(stored) : v128.and(stored, i32x4.splat(<i32>0xffff0000));
}

/**
 * binary16 in the upper halves of the lanes -> float32: sign, then exponent and fraction three bits down (the lower halves fall to the mask);
 * one exact multiplication moves the exponent bias from 15 to 127 and normalises binary16's subnormals.
 */
// @ts-ignore: decorator
@inline
function halves(upper: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shr_s(upper, 3), i32x4.splat(<i32>0x8fffe000)), f32x4.splat(TWO_POW_112));
}

/** Even and odd elements -> eight stored ones, one rounding to nearest even. Wrong for what `largest` tells. */
// @ts-ignore: decorator
@inline
export function pack<T>(first: v128, second: v128): v128 {
  if (isFloat<T>()) return first;
  if (isSigned<T>()) return packHalves(first, second);
  const upper = uppers(first, second);
  const lower = blend(first, i32x4.shl(second, 16));
  // One more where lower + 0x7fff + (upper & 1) carries; the average keeps the sum's 17th bit.
  const push = v128.or(v128.and(upper, i16x8.splat(1)), i16x8.splat(0x7ffe));
  return i16x8.add(upper, i16x8.shr_u(i16x8.avgr_u(lower, push), 15));
}

/**
 * As in lanes.ts the float adder rounds: a power of two 2^13 times the last kept place pushes the rest out. What is left is the pusher's
 * exponent field E and below it the kept bits q; the pattern is (E - 126) * 2^10 + q modulo 2^16. The 2048 in the pusher's fraction is that
 * -126 * 2^10.
 */
// @ts-ignore: decorator
@inline
function packHalves(first: v128, second: v128): v128 {
  const a = pushed(first);
  const b = pushed(second);
  const kept = blend(a, i32x4.shl(b, 16));
  const exponents = blend(i32x4.shr_u(a, 13), i32x4.shl(b, 3));
  return v128.or(i16x8.add(kept, exponents), v128.and(uppers(first, second), i16x8.splat(<i16>0x8000)));
}

// @ts-ignore: decorator
@inline
function pushed(value: v128): v128 {
  const above = i32x4.add(v128.and(value, i32x4.splat(0x7f800000)), i32x4.splat((13 << 23) + 2048));
  // At least 2^-1, whose last place times 2 is binary16's smallest subnormal.
  return f32x4.add(magnitude(value), i32x4.max_s(above, i32x4.splat((126 << 23) + 2048)));
}

/** The larger of what `worst` holds and what tells whether these results are finite: compare with `finite` in the end. */
// @ts-ignore: decorator
@inline
export function largest<T>(worst: v128, first: v128, second: v128): v128 {
  if (isFloat<T>()) return i32x4.max_s(worst, magnitude(first));
  if (isSigned<T>()) return i32x4.max_s(worst, i32x4.max_s(magnitude(first), magnitude(second)));
  return i16x8.max_s(worst, v128.and(uppers(first, second), i16x8.splat(0x7fff)));
}

/** Whether all results were finite and stay so when rounded: below 65520 as F16; as BF16 below 2^128 - 2^120, which is one step early. */
// @ts-ignore: decorator
@inline
export function finite<T>(worst: v128): bool {
  if (isFloat<T>()) return !v128.any_true(i32x4.gt_s(worst, i32x4.splat(0x7f7fffff)));
  if (isSigned<T>()) return !v128.any_true(i32x4.gt_s(worst, i32x4.splat(0x477fefff)));
  return !v128.any_true(i16x8.gt_s(worst, i16x8.splat(0x7f7e)));
}

/** Of F16 operands, which do not show it when widened: the largest patterns without their signs. */
// @ts-ignore: decorator
@inline
export function patterns<T>(most: v128, stored: v128): v128 {
  return isSigned<T>() ? i16x8.max_u(most, i16x8.shl(stored, 1)) : most;
}

/** Whether one of the operands was infinite or NaN. */
// @ts-ignore: decorator
@inline
export function special<T>(most: v128): bool {
  return isSigned<T>() ? v128.any_true(i16x8.ge_u(most, i16x8.splat(<i16>0xf800))) : false;
}

// @ts-ignore: decorator
@inline
function magnitude(value: v128): v128 {
  return v128.and(value, i32x4.splat(0x7fffffff));
}

/** The upper halves of all eight lanes, in the order of the stored elements. */
// @ts-ignore: decorator
@inline
function uppers(first: v128, second: v128): v128 {
  return blend(i32x4.shr_u(first, 16), second);
}

/** The lower halves of the first's lanes and the upper ones of the second's: one instruction on x86. */
// @ts-ignore: decorator
@inline
function blend(first: v128, second: v128): v128 {
  return i16x8.shuffle(first, second, 0, 9, 2, 11, 4, 13, 6, 15);
}
