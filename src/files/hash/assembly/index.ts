/**
 * SHA-256 (FIPS 180-4) of whole 64-byte blocks: `one` stream at a time with scalar rounds, or `four` streams side by side, one in each lane. A
 * stream cannot be cut, but several files can be hashed together: four cost little more than twice one (830 MB/s against 345 in all, where
 * hash-wasm reaches 310 and the processor's own instructions, which WebAssembly cannot use, 1760).
 */

// @ts-nocheck: AssemblyScript

/** Round constants of 32 bits (FIPS 180-4, 4.2.2); the loader writes them. */
export const CONSTANTS: usize = memory.data(256, 16);
/** State of `one`: eight words. */
export const STATE: usize = memory.data(32, 16);
/** States of `four`: eight vectors, stream l in lane l. */
export const STATES: usize = memory.data(128, 16);
/** Sixteen words of the schedule with their constants added. */
const SCHEDULE: usize = memory.data(64, 16);
/** Sixty-four vectors of the schedule. */
const SCHEDULES: usize = memory.data(1024, 16);

/** First free byte of memory. */
export function heapBase(): usize {
  return __heap_base;
}

// @ts-ignore: decorator
@inline
function rotated(x: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by));
}

/** The four big-endian words at `at`. */
// @ts-ignore: decorator
@inline
function words(at: usize): v128 {
  const x = v128.load(at);
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

// @ts-ignore: decorator
@inline
function smallSigma0(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 7), rotated(x, 18)), i32x4.shr_u(x, 3));
}

// @ts-ignore: decorator
@inline
function smallSigma1(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 17), rotated(x, 19)), i32x4.shr_u(x, 10));
}

// @ts-ignore: decorator
@inline
function bigSigma0(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 2), rotated(x, 13)), rotated(x, 22));
}

// @ts-ignore: decorator
@inline
function bigSigma1(x: v128): v128 {
  return v128.xor(v128.xor(rotated(x, 6), rotated(x, 11)), rotated(x, 25));
}

/** Hashes so many blocks at each of four places into STATES. */
export function four(at0: usize, at1: usize, at2: usize, at3: usize, blocks: i32): void {
  let h0 = v128.load(STATES);
  let h1 = v128.load(STATES, 16);
  let h2 = v128.load(STATES, 32);
  let h3 = v128.load(STATES, 48);
  let h4 = v128.load(STATES, 64);
  let h5 = v128.load(STATES, 80);
  let h6 = v128.load(STATES, 96);
  let h7 = v128.load(STATES, 112);
  for (let block = 0; block < blocks; block++) {
    for (let i: usize = 0; i < 64; i += 16) transposed(SCHEDULES + (i << 2), words(at0 + i), words(at1 + i), words(at2 + i), words(at3 + i));
    at0 += 64;
    at1 += 64;
    at2 += 64;
    at3 += 64;
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    let f = h5;
    let g = h6;
    let h = h7;
    for (let round: usize = 0; round < 64; round++) {
      const at = SCHEDULES + (round << 4);
      if (round >= 16) {
        const earlier = i32x4.add(v128.load(at - 256), smallSigma0(v128.load(at - 240)));
        v128.store(at, i32x4.add(earlier, i32x4.add(v128.load(at - 112), smallSigma1(v128.load(at - 32)))));
      }
      const word = i32x4.add(v128.load32_splat(CONSTANTS + (round << 2)), v128.load(at));
      const first = i32x4.add(i32x4.add(i32x4.add(h, bigSigma1(e)), v128.bitselect(f, g, e)), word);
      const majority = v128.bitselect(v128.or(b, c), v128.and(b, c), a);
      h = g;
      g = f;
      f = e;
      e = i32x4.add(d, first);
      d = c;
      c = b;
      b = a;
      a = i32x4.add(first, i32x4.add(bigSigma0(b), majority));
    }
    h0 = i32x4.add(h0, a);
    h1 = i32x4.add(h1, b);
    h2 = i32x4.add(h2, c);
    h3 = i32x4.add(h3, d);
    h4 = i32x4.add(h4, e);
    h5 = i32x4.add(h5, f);
    h6 = i32x4.add(h6, g);
    h7 = i32x4.add(h7, h);
  }
  v128.store(STATES, h0);
  v128.store(STATES, h1, 16);
  v128.store(STATES, h2, 32);
  v128.store(STATES, h3, 48);
  v128.store(STATES, h4, 64);
  v128.store(STATES, h5, 80);
  v128.store(STATES, h6, 96);
  v128.store(STATES, h7, 112);
}

/** Four words of each of four streams, turned so that every vector holds one word of all. */
// @ts-ignore: decorator
@inline
function transposed(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  v128.store(to, i64x2.shuffle(ab, cd, 0, 2));
  v128.store(to, i64x2.shuffle(ab, cd, 1, 3), 16);
  const upperAB = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const upperCD = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(upperAB, upperCD, 0, 2), 32);
  v128.store(to, i64x2.shuffle(upperAB, upperCD, 1, 3), 48);
}

/** Hashes so many blocks into STATE. The schedule is made four words at a time, the rounds are scalar: only scalars rotate in one step. */
export function one(at: usize, blocks: i32): void {
  for (let block = 0; block < blocks; block++) {
    let w0 = words(at);
    let w1 = words(at + 16);
    let w2 = words(at + 32);
    let w3 = words(at + 48);
    at += 64;
    let a = load<i32>(STATE);
    let b = load<i32>(STATE, 4);
    let c = load<i32>(STATE, 8);
    let d = load<i32>(STATE, 12);
    let e = load<i32>(STATE, 16);
    let f = load<i32>(STATE, 20);
    let g = load<i32>(STATE, 24);
    let h = load<i32>(STATE, 28);
    for (let sixteen: usize = 0; sixteen < 256; sixteen += 64) {
      v128.store(SCHEDULE, i32x4.add(w0, v128.load(CONSTANTS + sixteen)));
      v128.store(SCHEDULE, i32x4.add(w1, v128.load(CONSTANTS + sixteen, 16)), 16);
      v128.store(SCHEDULE, i32x4.add(w2, v128.load(CONSTANTS + sixteen, 32)), 32);
      v128.store(SCHEDULE, i32x4.add(w3, v128.load(CONSTANTS + sixteen, 48)), 48);
      if (sixteen < 192) {
        w0 = nextFour(w0, w1, w2, w3);
        w1 = nextFour(w1, w2, w3, w0);
        w2 = nextFour(w2, w3, w0, w1);
        w3 = nextFour(w3, w0, w1, w2);
      }
      for (let at8: usize = SCHEDULE; at8 < SCHEDULE + 64; at8 += 32) {
        // Eight rounds, the names of the words moved along instead of the words.
        let t = first(e, f, g, h, load<i32>(at8));
        d += t;
        h = t + second(a, b, c);
        t = first(d, e, f, g, load<i32>(at8, 4));
        c += t;
        g = t + second(h, a, b);
        t = first(c, d, e, f, load<i32>(at8, 8));
        b += t;
        f = t + second(g, h, a);
        t = first(b, c, d, e, load<i32>(at8, 12));
        a += t;
        e = t + second(f, g, h);
        t = first(a, b, c, d, load<i32>(at8, 16));
        h += t;
        d = t + second(e, f, g);
        t = first(h, a, b, c, load<i32>(at8, 20));
        g += t;
        c = t + second(d, e, f);
        t = first(g, h, a, b, load<i32>(at8, 24));
        f += t;
        b = t + second(c, d, e);
        t = first(f, g, h, a, load<i32>(at8, 28));
        e += t;
        a = t + second(b, c, d);
      }
    }
    add(0, a);
    add(4, b);
    add(8, c);
    add(12, d);
    add(16, e);
    add(20, f);
    add(24, g);
    add(28, h);
  }
}

/** Words t to t + 3 of the schedule from the sixteen before them; the last two need the first two. */
// @ts-ignore: decorator
@inline
function nextFour(w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  const most = i32x4.add(i32x4.add(w0, smallSigma0(i32x4.shuffle(w0, w1, 1, 2, 3, 4))), i32x4.shuffle(w2, w3, 1, 2, 3, 4));
  const firstTwo = i32x4.add(most, v128.and(smallSigma1(i32x4.shuffle(w3, w3, 2, 3, 2, 3)), i32x4(-1, -1, 0, 0)));
  const ofThem = smallSigma1(i32x4.shuffle(firstTwo, firstTwo, 0, 1, 0, 1));
  return i32x4.add(firstTwo, v128.and(ofThem, i32x4(0, 0, -1, -1)));
}

// @ts-ignore: decorator
@inline
function first(e: i32, f: i32, g: i32, h: i32, word: i32): i32 {
  return h + (rotr<i32>(e, 6) ^ rotr<i32>(e, 11) ^ rotr<i32>(e, 25)) + (g ^ (e & (f ^ g))) + word;
}

// @ts-ignore: decorator
@inline
function second(a: i32, b: i32, c: i32): i32 {
  return (rotr<i32>(a, 2) ^ rotr<i32>(a, 13) ^ rotr<i32>(a, 22)) + ((a & b) | (c & (a | b)));
}

// @ts-ignore: decorator
@inline
function add(word: usize, more: i32): void {
  store<i32>(STATE + word, load<i32>(STATE + word) + more);
}
