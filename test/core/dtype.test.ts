/**
 * Conversions against independent truth: exact values from the IEEE 754 definition in integers, and roundings found by search among all
 * representable neighbours instead of by bit tricks.
 */

import { describe, expect, test } from 'vitest';
import {
  bf16ToFloat,
  decodeFloats,
  dtypeBytes,
  encodeFloats,
  f16ToFloat,
  floatToBf16,
  floatToF16,
  isDtype,
  isFloatDtype,
  isKernelDtype,
} from '../../src/core/dtype.ts';

interface Format {
  exponentBits: number;
  fractionBits: number;
}
const F16: Format = { exponentBits: 5, fractionBits: 10 };
const BF16: Format = { exponentBits: 8, fractionBits: 7 };

/** IEEE 754-2019, 3.4: the value of a bit pattern, by definition; exact in float64. */
function exactValue(bits: number, { exponentBits, fractionBits }: Format): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const fraction = bits % 2 ** fractionBits;
  const exponent = Math.floor((bits & 0x7fff) / 2 ** fractionBits);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits);
}

const ALL = Array.from({ length: 65536 }, (_, bits) => bits);

/** The largest magnitude pattern p with exactValue(p) <= value, by bisection; value >= 0. */
function floorPattern(value: number, format: Format): number {
  let [low, high] = [0, 2 ** 15 - 2 ** format.fractionBits]; // high: infinity
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (exactValue(middle, format) <= value) low = middle;
    else high = middle;
  }
  return low;
}

/** Nearest, ties to the even pattern (IEEE 754-2019, 4.3.1): infinity stands where the next finite value would be. */
function roundedPattern(value: number, format: Format): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  const below = floorPattern(magnitude, format);
  const spacing = Math.max(
    exactValue(below, format) - exactValue(below - (below ? 1 : 0), format),
    exactValue(1, format),
  );
  const above = below + 1;
  const isTop = above === 2 ** 15 - 2 ** format.fractionBits;
  const aboveValue = isTop ? exactValue(below, format) + spacing : exactValue(above, format);
  if (magnitude >= aboveValue) return sign | above; // infinity itself
  const [down, up] = [magnitude - exactValue(below, format), aboveValue - magnitude]; // exact: float32 inputs, float64 differences
  if (down === up) return sign | (below % 2 === 0 ? below : above);
  return sign | (down < up ? below : above);
}

const float32 = (bits: number) => new Float32Array(new Uint32Array([bits]).buffer)[0]!;

/** float32 values around every representable value and every tie of the format, both signs. */
function* nearCases(format: Format): Generator<number> {
  const buffer = new Float32Array(1);
  const word = new Uint32Array(buffer.buffer);
  for (let bits = 0; bits < 2 ** 15 - 2 ** format.fractionBits; bits++) {
    const here = exactValue(bits, format);
    const next = exactValue(bits + 1, format);
    for (const value of [here, Number.isFinite(next) ? (here + next) / 2 : here]) {
      buffer[0] = value;
      const centre = word[0]!;
      for (const neighbour of [centre - 1, centre, centre + 1]) {
        if (neighbour < 0) continue;
        yield float32(neighbour);
        yield float32((neighbour | 0x80000000) >>> 0);
      }
    }
  }
}

describe.each([
  ['F16', F16, f16ToFloat, floatToF16, 0x7e00],
  ['BF16', BF16, bf16ToFloat, floatToBf16, 0x7fc0],
] as const)('%s', (dtype, format, widen, narrow, canonicalNaN) => {
  test('all 65,536 patterns have the value the standard gives them', () => {
    expect(ALL.filter((bits) => !Object.is(widen(bits), exactValue(bits, format)))).toEqual([]);
  });

  test('every value that is no NaN comes back as its own pattern', () => {
    const lost = ALL.filter(
      (bits) => !Number.isNaN(exactValue(bits, format)) && narrow(exactValue(bits, format)) !== bits,
    );
    expect(lost).toEqual([]);
  });

  test('every NaN becomes the canonical one', () => {
    const nan = ALL.filter((bits) => Number.isNaN(exactValue(bits, format)));
    expect(new Set(nan.map((bits) => narrow(widen(bits))))).toEqual(new Set([canonicalNaN]));
    expect(narrow(float32(0xff800001))).toBe(canonicalNaN);
  });

  test('around every value and every tie it rounds to nearest, ties to even', () => {
    const wrong: number[] = [];
    for (const value of nearCases(format)) if (narrow(value) !== roundedPattern(value, format)) wrong.push(value);
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test('float32 values of all magnitudes round right', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 2 ** 32; bits += 60_013) {
      const value = float32(bits);
      if (!Number.isNaN(value) && narrow(value) !== roundedPattern(value, format)) wrong.push(value);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  test('runs of bytes decode and encode like single values, at odd addresses too', () => {
    const bytes = new Uint8Array(2 * 65536 + 1);
    new Uint16Array(bytes.buffer, 0, 65536).set(ALL);
    bytes.copyWithin(1, 0, 2 * 65536);
    const values = decodeFloats(bytes.subarray(1), dtype);
    expect(ALL.filter((bits) => !Object.is(values[bits], widen(bits)))).toEqual([]);
    const back = new Uint16Array(encodeFloats(values, dtype).buffer);
    expect(ALL.filter((bits) => back[bits] !== narrow(widen(bits)))).toEqual([]);
  });
});

describe('The edges, by hand', () => {
  test('F16 overflows at 65520, halfway beyond its largest value 65504', () => {
    expect(floatToF16(65504)).toBe(0x7bff);
    expect(floatToF16(Math.fround(65519.996))).toBe(0x7bff);
    expect(floatToF16(65520)).toBe(0x7c00);
    expect(floatToF16(-1e30)).toBe(0xfc00);
  });

  test('F16 subnormals end at 2^-24; its half is a tie to zero', () => {
    expect(floatToF16(2 ** -24)).toBe(1);
    expect(floatToF16(2 ** -25)).toBe(0);
    expect(floatToF16(2 ** -25 + 2 ** -48)).toBe(1);
    expect(floatToF16(-(2 ** -26))).toBe(0x8000);
  });

  test('BF16: 1 + 2^-8 is a tie to 1, 1 + 3 * 2^-8 one to 1 + 2^-6', () => {
    expect(floatToBf16(1 + 2 ** -8)).toBe(0x3f80);
    expect(floatToBf16(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(floatToBf16(float32(0x7f7fffff))).toBe(0x7f80);
  });
});

describe('F32', () => {
  test('bytes pass through, NaN made canonical', () => {
    const words = new Uint32Array([0x00000001, 0x80000000, 0x7f800000, 0xffc12345, 0x3f800001]);
    const values = decodeFloats(new Uint8Array(words.buffer), 'F32');
    const back = new Uint32Array(encodeFloats(values, 'F32').buffer);
    expect([...back]).toEqual([0x00000001, 0x80000000, 0x7f800000, 0x7fc00000, 0x3f800001]);
  });
});

describe('Bytes given are never shared or changed', () => {
  test("not even when they are Node's pooled Buffer, whose slice() is a view", () => {
    const pooled = Buffer.from([0, 0, 0x80, 0x3f]);
    const values = decodeFloats(pooled, 'F32');
    expect([...values]).toEqual([1]);
    values[0] = 5;
    expect([...pooled]).toEqual([0, 0, 0x80, 0x3f]);
  });
});

describe('Names', () => {
  test('know their sizes', () => {
    expect((['F64', 'F32', 'BF16', 'F8_E4M3', 'I64', 'BOOL'] as const).map(dtypeBytes)).toEqual([8, 4, 2, 1, 8, 1]);
  });

  test('hostile names are no dtypes', () => {
    for (const name of ['toString', '__proto__', 'f32', '', 5, null]) expect(isDtype(name)).toBe(false);
    expect(isDtype('BF16')).toBe(true);
    expect((['F64', 'F8_E5M2', 'I64', 'BOOL'] as const).map(isFloatDtype)).toEqual([true, true, false, false]);
    expect((['F16', 'F64', 'F8_E4M3'] as const).map(isKernelDtype)).toEqual([true, false, false]);
  });
});
