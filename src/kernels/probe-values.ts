/** The numbers that a probe sends through a backend: those at the edges of the float types, arbitrary bits, and what models hold. */

/** float32 patterns at which conversions, sums and products go wrong first; each also with the other sign. */
const EDGES = [
  0x00000000, // 0
  0x00000001, // the least subnormal
  0x00000003,
  0x007fffff, // the largest subnormal
  0x00800000, // the least normal
  0x00800001,
  0x00ffffff,
  0x01000000, // half of it is the least normal
  0x33000000, // 2^-25: half the least subnormal of F16, a tie to 0
  0x33000001,
  0x33c00000, // 1.5 * 2^-24: a tie among subnormals of F16
  0x37000000, // 2^-17: the same for F8_E5M2
  0x37400001,
  0x387fc000, // the largest subnormal of F16
  0x387fe000, // a tie between it and the least normal
  0x3a800000, // 2^-10: half the least subnormal of F8_E4M3
  0x3a800001,
  0x3c880000, // 17/1024: a tie of F8_E4M3 among its least normal numbers
  0x3f7fffff, // 1 - 2^-24
  0x3f800000, // 1
  0x3f800001,
  0x3f801000, // 1 + 2^-11: a tie of F16
  0x3f803000,
  0x3f808000, // 1 + 2^-8: a tie of BF16
  0x3f818000,
  0x3f880000, // 1 + 2^-4: a tie of F8_E4M3
  0x3fb504f3, // sqrt 2
  0x40490fdb, // pi
  0x43e00000, // 448: the largest of F8_E4M3
  0x43e80000, // 464: halfway beyond it
  0x43e80001,
  0x477fe000, // 65504: the largest of F16
  0x477fefff, // rounds to it
  0x477ff000, // 65520: rounds to infinity
  0x4b800001, // 2^24 + 2
  0x7eb504f3, // its square overflows, twice it does not
  0x7f7f7fff, // rounds to the largest of BF16
  0x7f7f8000, // rounds to infinity there
  0x7f7fffff, // the largest
  0x7f800000, // infinity
  0x7f800001, // a signalling NaN
  0x7fc00000,
  0x7fffffff, // a NaN with all its payload
].flatMap((bits) => [bits, (bits | 0x80000000) >>> 0]);

/** Steps through EDGES, without common factors with their number: three inputs meet in other pairs at every element. */
const STEPS = [1, 5, 25];
/** Fewer than the pairs, but each edge meets each several times in one or another input. */
const HARD = 1024;

/** @param input 0, 1 or 2 */
export function hardBits(input: number): Uint32Array<ArrayBuffer> {
  const step = STEPS[input]!;
  return Uint32Array.from({ length: HARD }, (_, i) => {
    const round = Math.floor(i / EDGES.length);
    return EDGES[(i * step + round * input * 11) % EDGES.length]!;
  });
}

/** Arbitrary, the same everywhere (xorshift32, Marsaglia 2003). */
export function randomBits(length: number, seed: number): Uint32Array<ArrayBuffer> {
  let state = (seed * 2654435761) >>> 0;
  return Uint32Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}

/** Between -0.06 and 0.06, with all their bits: in sums and products of these, every rounding that is left out or added shows. */
export function smallNumbers(length: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(randomBits(length, seed), (bits) => ((bits | 0) / 2 ** 31) * 0.06);
}
