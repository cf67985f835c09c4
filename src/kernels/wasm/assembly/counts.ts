/**
 * Comparing what was stored with what would have been stored had nothing been done: here as a pass of its own over a block, which knows NaN,
 * infinity and the two zeros; and as the pieces that the loops over finite elements count with while they compute (arithmetic.ts).
 */

// @ts-nocheck: AssemblyScript

/** Of the last call that counts, in elements. */
export let changed: i32 = 0;
export let nonFinite: i32 = 0;

/**
 * Sets `changed` and `nonFinite`; `untouched` 0 stands for zeros. T tags the stored type as in lanes.ts. Lanes that hold are -1 and are
 * subtracted into 16-bit lane counters, one step per vector of eight: at most 524,280 elements a call.
 */
export function count<T>(stored: usize, untouched: usize, elements: i32): void {
  let changedLanes = i32x4.splat(0);
  let nonFiniteLanes = i32x4.splat(0);
  const step: usize = untouched ? 8 * sizeof<T>() : 0;
  let before = untouched ? untouched : zeros();
  const end = <usize>elements * sizeof<T>();
  for (let i: usize = 0; i < end; i += 8 * sizeof<T>()) {
    changedLanes = i16x8.sub(changedLanes, differs<T>(stored + i, before));
    nonFiniteLanes = i16x8.sub(nonFiniteLanes, isNonFinite<T>(stored + i));
    before += step;
  }
  changed = sum(changedLanes);
  nonFinite = sum(nonFiniteLanes);
}

export function setCounts(ofChanged: i32, ofNonFinite: i32): void {
  changed = ofChanged;
  nonFinite = ofNonFinite;
}

function zeros(): usize {
  return memory.data(32, 16);
}

/** Counts the lanes of elements whose patterns are equal (F32: whose values are) into `same`: 16 bits each, of F32 32. */
// @ts-ignore: decorator
@inline
export function equals<T>(same: v128, stored: v128, untouched: v128): v128 {
  if (isFloat<T>()) return i32x4.sub(same, f32x4.eq(stored, untouched));
  return i16x8.sub(same, i16x8.eq(v128.xor(stored, untouched), i32x4.splat(0)));
}

/** Remembers in `turned` whether any pattern differed by its sign alone, as the two zeros do. */
// @ts-ignore: decorator
@inline
export function signs<T>(turned: v128, stored: v128, untouched: v128): v128 {
  return isFloat<T>() ? turned : i16x8.min_s(turned, v128.xor(stored, untouched));
}

/** Sets the counts of finite elements; false, and nothing set, where signs turned: then those that are zeros have to be told apart. */
// @ts-ignore: decorator
@inline
export function countEquals<T>(same: v128, turned: v128, elements: i32): bool {
  if (!isFloat<T>() && v128.any_true(i16x8.eq(turned, i16x8.splat(<i16>0x8000)))) return false;
  changed = elements - (isFloat<T>() ? sum32(same) : sum(same));
  nonFinite = 0;
  return true;
}

/** -1 in the 16-bit lanes of eight elements that differ in value: -0 is 0, NaN is NaN. */
// @ts-ignore: decorator
@inline
function differs<T>(stored: usize, untouched: usize): v128 {
  if (isFloat<T>()) {
    const first = differs32(v128.load(stored), v128.load(untouched));
    return i16x8.narrow_i32x4_s(first, differs32(v128.load(stored, 16), v128.load(untouched, 16)));
  }
  const a = v128.load(stored);
  const b = v128.load(untouched);
  const magnitudeA = v128.and(a, i16x8.splat(0x7fff));
  const magnitudeB = v128.and(b, i16x8.splat(0x7fff));
  const bothZero = i16x8.eq(v128.or(magnitudeA, magnitudeB), i16x8.splat(0));
  const bothNaN = i16x8.gt_s(i16x8.min_s(magnitudeA, magnitudeB), i16x8.splat(infinity<T>()));
  return v128.andnot(i16x8.ne(a, b), v128.or(bothZero, bothNaN));
}

// @ts-ignore: decorator
@inline
function differs32(a: v128, b: v128): v128 {
  return v128.andnot(f32x4.ne(a, b), v128.and(f32x4.ne(a, a), f32x4.ne(b, b)));
}

/** -1 in the 16-bit lanes of eight elements that are NaN or infinite. */
// @ts-ignore: decorator
@inline
function isNonFinite<T>(stored: usize): v128 {
  if (isFloat<T>()) return i16x8.narrow_i32x4_s(isNonFinite32(v128.load(stored)), isNonFinite32(v128.load(stored, 16)));
  const magnitude = v128.and(v128.load(stored), i16x8.splat(0x7fff));
  return i16x8.gt_s(magnitude, i16x8.splat(infinity<T>() - 1));
}

// @ts-ignore: decorator
@inline
function isNonFinite32(value: v128): v128 {
  return i32x4.gt_s(v128.and(value, i32x4.splat(0x7fffffff)), i32x4.splat(0x7f7fffff));
}

// @ts-ignore: decorator
@inline
function infinity<T>(): i16 {
  return isSigned<T>() ? 0x7c00 : 0x7f80;
}

// @ts-ignore: decorator
@inline
function sum(lanes: v128): i32 {
  return sum32(i32x4.extadd_pairwise_i16x8_u(lanes));
}

// @ts-ignore: decorator
@inline
function sum32(lanes: v128): i32 {
  return i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1) + i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3);
}
