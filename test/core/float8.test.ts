/** The wide and the narrow ends of the float types, F64 and the two 8-bit ones, against PyTorch's own conversions (test/fixtures/core). */

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { decodeFloats, encodeFloats } from '../../src/core/dtype.ts';
import { f8ToFloat, floatToF8 } from '../../src/core/float8.ts';

interface Conversions {
  /** Float32 words of the 256 patterns; NaN is 0x7fc00000. */
  wide: number[];
  /** Float32 words, and the pattern each is narrowed to. */
  float32: number[];
  narrow: number[];
  nan: number;
}
interface Facts extends Record<'F8_E4M3' | 'F8_E5M2', Conversions> {
  F64: { float64: number[]; float32: number[] };
}
const facts = JSON.parse(await readFile(new URL('../fixtures/core/floats.json', import.meta.url), 'utf8')) as Facts;

const floats = (words: number[]) => new Float32Array(new Uint32Array(words).buffer);
const float32 = (word: number) => floats([word])[0]!;

describe.each(['F8_E4M3', 'F8_E5M2'] as const)('%s', (dtype) => {
  const { wide, float32: words, narrow, nan } = facts[dtype];
  const patterns = Uint8Array.from({ length: 256 }, (_, bits) => bits);

  test('all 256 patterns widen as PyTorch widens them', () => {
    expect([...decodeFloats(patterns, dtype)]).toEqual([...floats(wide)]);
    expect([...patterns].map((bits) => f8ToFloat(bits, dtype))).toEqual([...floats(wide)]);
  });

  test('values, ties, their neighbours, subnormals and what is too large narrow as PyTorch narrows them', () => {
    expect([...encodeFloats(floats(words), dtype)]).toEqual(narrow);
    expect(words.map((word) => floatToF8(float32(word), dtype))).toEqual(narrow);
  });

  test('every value that is no NaN comes back as its own pattern; every NaN becomes the one PyTorch writes', () => {
    const back = encodeFloats(decodeFloats(patterns, dtype), dtype);
    expect([...back]).toEqual([...patterns].map((bits) => (wide[bits] === 0x7fc00000 ? nan : bits)));
    expect(floatToF8(float32(0xffc00001), dtype)).toBe(nan);
    expect([...encodeFloats(floats([0x7f800001, 0xffffffff]), dtype)]).toEqual([nan, nan]);
  });
});

test('E4M3 has no infinity: what is too large becomes 448; E5M2 has one, from 61440 on', () => {
  const large = Float32Array.of(464, 465, -1e30, Number.POSITIVE_INFINITY);
  expect([...decodeFloats(encodeFloats(large, 'F8_E4M3'), 'F8_E4M3')]).toEqual([448, 448, -448, 448]);
  const larger = Float32Array.of(61439, 61440, -1e30);
  const infinite = Number.POSITIVE_INFINITY;
  expect([...decodeFloats(encodeFloats(larger, 'F8_E5M2'), 'F8_E5M2')]).toEqual([57344, infinite, -infinite]);
});

describe('F64', () => {
  const { float64, float32: words } = facts.F64;
  const bytes = new Uint8Array(new Uint32Array(float64).buffer);

  test('is rounded to float32 once, as PyTorch rounds it: ties to even, subnormals kept, too large is infinite', () => {
    expect([...new Uint32Array(decodeFloats(bytes, 'F64').buffer)]).toEqual(words);
  });

  test('reads at any alignment', () => {
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeFloats(shifted.subarray(3), 'F64')).toEqual(decodeFloats(bytes, 'F64'));
  });

  test('takes every float32 exactly, NaN made canonical', () => {
    const values = floats([...words, 0x7fc00000, 0xff812345]);
    const stored = encodeFloats(values, 'F64');
    expect([...new Float64Array(stored.buffer)]).toEqual([...values]);
    expect([...new Uint32Array(stored.buffer).slice(-4)]).toEqual([0, 0x7ff80000, 0, 0x7ff80000]);
  });
});
