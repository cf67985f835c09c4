/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a counter-based generator.
 * The DARE mask of an element is a function of (seed, tensor name, element index) alone, so chunks, workers and backends agree.
 *
 * Layout, chosen so that SIMD lanes need no transpose: element e takes counter block (e >> 4) * 4 + (e & 3), word (e >> 2) & 3.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the unsigned product; Math.imul gives the low ones. */
function mulHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

export type Words4 = [number, number, number, number];

/** Ten rounds; counter of four and key of two unsigned 32-bit words -> four unsigned 32-bit words. */
export function philox4x32(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = mulHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** What keys the mask of one tensor: two words of seed (the key), two words of name (the upper half of the counter). */
export interface MaskStream {
  seed: [number, number];
  name: [number, number];
}

/** Any safe integer seed; the name enters as its 64-bit FNV-1a hash over UTF-8 (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function maskStream(seed: number, tensorName: string): MaskStream {
  const wide = BigInt.asUintN(64, BigInt(seed));
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(tensorName))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return { seed: splitWords(wide), name: splitWords(hash) };
}

function splitWords(wide: bigint): [number, number] {
  return [Number(wide & 0xffffffffn), Number(wide >> 32n)];
}

/** The random word of one element, uniform on [0, 2^32). */
export function maskWord(stream: MaskStream, element: number): number {
  const block = Math.floor(element / 16) * 4 + (element & 3);
  const counter: Words4 = [block >>> 0, Math.floor(block / 2 ** 32), stream.name[0], stream.name[1]];
  return philox4x32(counter, stream.seed)[Math.floor(element / 4) & 3]!;
}

/** For draws that are no mask: uniform on [0, 1) with 53 bits, from the block `step` of the stream. */
export function uniform(stream: MaskStream, step: number): number {
  const [low, high] = philox4x32([step >>> 0, Math.floor(step / 2 ** 32), ...stream.name], stream.seed);
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

/** Drop the element when its word is below this: floor(rate * 2^32). Rate 0 drops nothing. */
export function dropThreshold(rate: number): number {
  return Math.floor(rate * 2 ** 32);
}
