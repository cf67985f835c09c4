/**
 * Philox4x32-10 (core/philox.ts) for 32 elements at once, as two groups that do not wait for each other's multiplications. The first two
 * rounds are shorter than the others: they begin with words that all counters of a group share. Together a third faster than round
 * after round for one group at a time.
 */

// @ts-nocheck: AssemblyScript

const M0: i32 = 0xd2511f53;
const M1: i32 = 0xcd9e8d57;
const W0: i32 = 0x9e3779b9;
const W1: i32 = 0xbb67ae85;

/**
 * Writes the mask words of elements 4 * block to 4 * block + 31, in their order; block is a multiple of 4. A group is four Philox blocks,
 * one per lane; lane l of its word w belongs to its element 4 * w + l.
 */
export function maskWords(out: usize, block: u64, seed0: i32, seed1: i32, name0: i32, name1: i32): void {
  const next = block + 4; // may lie beyond a multiple of 2^32 that block lies before
  const ofName = wide(name0, M1);
  const ofA = wide(<i32>(ofName >> 32) ^ <i32>(block >> 32) ^ seed0, M0);
  const ofB = wide(<i32>(ofName >> 32) ^ <i32>(next >> 32) ^ seed0, M0);
  let key0 = i32x4.splat(seed0 + W0);
  let key1 = i32x4.splat(seed1 + W1);

  // Rounds 1 and 2: word 2 of all lanes gives ofName, word 0 of the next round ofA and ofB.
  let a0 = i32x4.add(i32x4.splat(<i32>block), i32x4(0, 1, 2, 3));
  let b0 = i32x4.add(i32x4.splat(<i32>next), i32x4(0, 1, 2, 3));
  let low = i64x2.extmul_low_i32x4_u(a0, i32x4.splat(M0));
  let high = i64x2.extmul_high_i32x4_u(a0, i32x4.splat(M0));
  let a2 = v128.xor(upper(low, high), i32x4.splat(name1 ^ seed1));
  let a3 = lower(low, high);
  low = i64x2.extmul_low_i32x4_u(b0, i32x4.splat(M0));
  high = i64x2.extmul_high_i32x4_u(b0, i32x4.splat(M0));
  let b2 = v128.xor(upper(low, high), i32x4.splat(name1 ^ seed1));
  let b3 = lower(low, high);

  low = i64x2.extmul_low_i32x4_u(a2, i32x4.splat(M1));
  high = i64x2.extmul_high_i32x4_u(a2, i32x4.splat(M1));
  a0 = v128.xor(upper(low, high), v128.xor(i32x4.splat(<i32>ofName), key0));
  a2 = v128.xor(v128.xor(i32x4.splat(<i32>(ofA >> 32)), a3), key1);
  let a1 = lower(low, high);
  a3 = i32x4.splat(<i32>ofA);
  low = i64x2.extmul_low_i32x4_u(b2, i32x4.splat(M1));
  high = i64x2.extmul_high_i32x4_u(b2, i32x4.splat(M1));
  b0 = v128.xor(upper(low, high), v128.xor(i32x4.splat(<i32>ofName), key0));
  b2 = v128.xor(v128.xor(i32x4.splat(<i32>(ofB >> 32)), b3), key1);
  let b1 = lower(low, high);
  b3 = i32x4.splat(<i32>ofB);

  for (let round = 2; round < 10; round++) {
    key0 = i32x4.add(key0, i32x4.splat(W0));
    key1 = i32x4.add(key1, i32x4.splat(W1));
    low = i64x2.extmul_low_i32x4_u(a0, i32x4.splat(M0));
    high = i64x2.extmul_high_i32x4_u(a0, i32x4.splat(M0));
    let low2 = i64x2.extmul_low_i32x4_u(a2, i32x4.splat(M1));
    let high2 = i64x2.extmul_high_i32x4_u(a2, i32x4.splat(M1));
    a0 = v128.xor(v128.xor(upper(low2, high2), a1), key0);
    a2 = v128.xor(v128.xor(upper(low, high), a3), key1);
    a1 = lower(low2, high2);
    a3 = lower(low, high);
    low = i64x2.extmul_low_i32x4_u(b0, i32x4.splat(M0));
    high = i64x2.extmul_high_i32x4_u(b0, i32x4.splat(M0));
    low2 = i64x2.extmul_low_i32x4_u(b2, i32x4.splat(M1));
    high2 = i64x2.extmul_high_i32x4_u(b2, i32x4.splat(M1));
    b0 = v128.xor(v128.xor(upper(low2, high2), b1), key0);
    b2 = v128.xor(v128.xor(upper(low, high), b3), key1);
    b1 = lower(low2, high2);
    b3 = lower(low, high);
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out, a2, 32);
  v128.store(out, a3, 48);
  v128.store(out, b0, 64);
  v128.store(out, b1, 80);
  v128.store(out, b2, 96);
  v128.store(out, b3, 112);
}

// @ts-ignore: decorator
@inline
function wide(a: i32, b: i32): u64 {
  return <u64><u32>a * <u64><u32>b;
}

/** Of four 64-bit products the upper halves. */
// @ts-ignore: decorator
@inline
function upper(low: v128, high: v128): v128 {
  return i32x4.shuffle(low, high, 1, 3, 5, 7);
}

// @ts-ignore: decorator
@inline
function lower(low: v128, high: v128): v128 {
  return i32x4.shuffle(low, high, 0, 2, 4, 6);
}
