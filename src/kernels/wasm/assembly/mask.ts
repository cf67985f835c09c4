/**
 * Philox4x32-10 (core/philox.ts) for 32 elements at once, as two groups that do not wait for each other's multiplications. The first two
 * rounds are shorter than the others: they begin with words that all counters of a group share.
 *
 * The upper halves of four products come out with lanes 1 and 2 exchanged (`upper` is one shift and one blend so; in order it would be three
 * shuffles). That needs no repair: the words that an upper half meets are lower halves from two rounds of exchanges before, in its own order.
 */

// @ts-nocheck: AssemblyScript

const M0: i32 = 0xd2511f53;
const M1: i32 = 0xcd9e8d57;
const W0: i32 = 0x9e3779b9;
const W1: i32 = 0xbb67ae85;

/**
 * Writes -1 for every element that is dropped (its word is below the threshold) and 0 for the others, for elements 4 * block to
 * 4 * block + 31; block is a multiple of 4. In the order of the elements where T is f32; of each eight the even ones before the odd ones
 * otherwise (pairs.ts). A group is four Philox blocks, one per lane; word w of a block in lane l belongs to the group's element 4 * w + l.
 */
export function dropMask<T>(
  out: usize, block: u64, threshold: i32, seed0: i32, seed1: i32, name0: i32, name1: i32,
): void {
  const next = block + 4; // may lie beyond a multiple of 2^32 that block lies before
  const lanes = isFloat<T>() ? i32x4(0, 1, 2, 3) : i32x4(0, 2, 1, 3);
  const ofName = wide(name0, M1);
  const ofA = wide(<i32>(ofName >> 32) ^ <i32>(block >> 32) ^ seed0, M0);
  const ofB = wide(<i32>(ofName >> 32) ^ <i32>(next >> 32) ^ seed0, M0);
  const m0 = i32x4.splat(M0);
  const m1 = i32x4.splat(M1);
  let key0 = i32x4.splat(seed0 + W0);
  let key1 = i32x4.splat(seed1 + W1);

  // Rounds 1 and 2: word 2 of all lanes gives ofName, word 0 of the next round ofA and ofB.
  let a0 = i32x4.add(i32x4.splat(<i32>block), lanes);
  let b0 = i32x4.add(i32x4.splat(<i32>next), lanes);
  let a2 = v128.xor(upper(a0, m0), i32x4.splat(name1 ^ seed1));
  let b2 = v128.xor(upper(b0, m0), i32x4.splat(name1 ^ seed1));
  let a3 = i32x4.mul(a0, m0);
  let b3 = i32x4.mul(b0, m0);
  a0 = v128.xor(upper(a2, m1), v128.xor(i32x4.splat(<i32>ofName), key0));
  b0 = v128.xor(upper(b2, m1), v128.xor(i32x4.splat(<i32>ofName), key0));
  let a1 = i32x4.mul(a2, m1);
  let b1 = i32x4.mul(b2, m1);
  a2 = v128.xor(v128.xor(i32x4.splat(<i32>(ofA >> 32)), a3), key1);
  b2 = v128.xor(v128.xor(i32x4.splat(<i32>(ofB >> 32)), b3), key1);
  a3 = i32x4.splat(<i32>ofA);
  b3 = i32x4.splat(<i32>ofB);

  for (let round = 2; round < 9; round++) {
    key0 = i32x4.add(key0, i32x4.splat(W0));
    key1 = i32x4.add(key1, i32x4.splat(W1));
    let above = v128.xor(v128.xor(upper(a0, m0), a3), key1);
    a3 = i32x4.mul(a0, m0);
    a0 = v128.xor(v128.xor(upper(a2, m1), a1), key0);
    a1 = i32x4.mul(a2, m1);
    a2 = above;
    above = v128.xor(v128.xor(upper(b0, m0), b3), key1);
    b3 = i32x4.mul(b0, m0);
    b0 = v128.xor(v128.xor(upper(b2, m1), b1), key0);
    b1 = i32x4.mul(b2, m1);
    b2 = above;
  }
  key0 = i32x4.add(key0, i32x4.splat(W0));
  key1 = i32x4.add(key1, i32x4.splat(W1));
  last<T>(out, threshold, a0, a1, a2, a3, key0, key1);
  last<T>(out + 64, threshold, b0, b1, b2, b3, key0, key1);
}

/** The tenth round of one group, whose lower halves are put in the order of the upper ones. Signed comparison needs the top bits turned. */
// @ts-ignore: decorator
@inline
function last<T>(out: usize, threshold: i32, c0: v128, c1: v128, c2: v128, c3: v128, key0: v128, key1: v128): void {
  const top = i32x4.splat(<i32>0x80000000);
  const t = v128.xor(i32x4.splat(threshold), top);
  const m0 = i32x4.splat(M0);
  const m1 = i32x4.splat(M1);
  const word0 = i32x4.gt_s(t, v128.xor(v128.xor(upper(c2, m1), c1), v128.xor(key0, top)));
  const word1 = i32x4.gt_s(t, v128.xor(exchanged(i32x4.mul(c2, m1)), top));
  const word2 = i32x4.gt_s(t, v128.xor(v128.xor(upper(c0, m0), c3), v128.xor(key1, top)));
  const word3 = i32x4.gt_s(t, v128.xor(exchanged(i32x4.mul(c0, m0)), top));
  if (isFloat<T>()) {
    v128.store(out, word0);
    v128.store(out, word1, 16);
    v128.store(out, word2, 32);
    v128.store(out, word3, 48);
  } else {
    v128.store(out, i64x2.shuffle(word0, word1, 0, 2));
    v128.store(out, i64x2.shuffle(word0, word1, 1, 3), 16);
    v128.store(out, i64x2.shuffle(word2, word3, 0, 2), 32);
    v128.store(out, i64x2.shuffle(word2, word3, 1, 3), 48);
  }
}

// @ts-ignore: decorator
@inline
function wide(a: i32, b: i32): u64 {
  return <u64><u32>a * <u64><u32>b;
}

/** Of the four 64-bit products the upper halves, lanes 1 and 2 exchanged. */
// @ts-ignore: decorator
@inline
function upper(a: v128, b: v128): v128 {
  return i32x4.shuffle(i64x2.shr_u(i64x2.extmul_low_i32x4_u(a, b), 32), i64x2.extmul_high_i32x4_u(a, b), 0, 5, 2, 7);
}

// @ts-ignore: decorator
@inline
function exchanged(a: v128): v128 {
  return i32x4.shuffle(a, a, 0, 2, 1, 3);
}
