/** The generator against its authors' vectors, and the mask layout against its definition. */

import { describe, expect, test } from 'vitest';
import { dropThreshold, maskStream, maskWord, philox4x32, uniform, type Words4 } from '../../src/core/philox.ts';

describe('Philox4x32-10', () => {
  // Random123 (Salmon et al.), tests/kat_vectors, lines "philox4x32 10": counter, key, output.
  test.each<[Words4, [number, number], Words4]>([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('known answer %#', (counter, key, output) => {
    expect(philox4x32(counter, key)).toEqual(output);
  });

  test('its rounds are exact 32-bit products: the same as with big integers', () => {
    const wide = (counter: Words4, key: [number, number]) => {
      let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
      let [k0, k1] = key.map(BigInt) as [bigint, bigint];
      const low = (value: bigint) => value & 0xffffffffn;
      for (let round = 0; round < 10; round++) {
        const [p, q] = [a * 0xd2511f53n, c * 0xcd9e8d57n];
        [a, b, c, d] = [(q >> 32n) ^ b ^ k0, low(q), (p >> 32n) ^ d ^ k1, low(p)];
        [k0, k1] = [low(k0 + 0x9e3779b9n), low(k1 + 0xbb67ae85n)];
      }
      return [a, b, c, d].map(Number);
    };
    for (let i = 0; i < 500; i++) {
      const word = (n: number) => Math.imul(n + 1, 0x9e3779b1 ^ (i * 0x85ebca6b)) >>> 0;
      const counter: Words4 = [word(i), word(i + 1), word(i * 3), word(i ^ 77)];
      expect(philox4x32(counter, [word(5), word(9)])).toEqual(wide(counter, [word(5), word(9)]));
    }
  });
});

describe('The mask', () => {
  const stream = maskStream(42, 'lm_head.weight');

  test('sixteen elements share four blocks, lane by lane', () => {
    for (const group of [0, 1, 1000]) {
      const blocks = [0, 1, 2, 3].map((lane) => philox4x32([group * 4 + lane, 0, ...stream.name], stream.seed));
      for (let e = 0; e < 16; e++) expect(maskWord(stream, group * 16 + e)).toBe(blocks[e % 4]![Math.floor(e / 4)]);
    }
  });

  test('counts on beyond 2^34 elements, where the counter carries into its second word', () => {
    expect(maskWord(stream, 2 ** 34)).toBe(philox4x32([0, 1, ...stream.name], stream.seed)[0]);
    expect(maskWord(stream, 2 ** 34 - 1)).toBe(philox4x32([0xffffffff, 0, ...stream.name], stream.seed)[3]);
    expect(maskWord(stream, 2 ** 52 + 6)).toBe(philox4x32([2, 2 ** 18, ...stream.name], stream.seed)[1]);
  });

  test('the name enters as 64-bit FNV-1a over UTF-8, low word first', () => {
    // http://www.isthe.com/chongo/src/fnv/test_fnv.c: "" -> cbf29ce484222325, "a" -> af63dc4c8601ec8c, "foobar" -> 85944171f73967e8
    expect(maskStream(0, '').name).toEqual([0x84222325, 0xcbf29ce4]);
    expect(maskStream(0, 'a').name).toEqual([0x8601ec8c, 0xaf63dc4c]);
    expect(maskStream(0, 'foobar').name).toEqual([0xf73967e8, 0x85944171]);
  });

  test('the seed is the key, low word first, negative ones in two’s complement', () => {
    expect(maskStream(7, 'x').seed).toEqual([7, 0]);
    expect(maskStream(2 ** 40 + 5, 'x').seed).toEqual([5, 256]);
    expect(maskStream(-1, 'x').seed).toEqual([0xffffffff, 0xffffffff]);
  });

  test('drops about the given share', () => {
    const dropped = Array.from({ length: 100_000 }, (_, e) => maskWord(stream, e) < dropThreshold(0.3)).filter(
      Boolean,
    ).length;
    expect(Math.abs(dropped - 30_000)).toBeLessThan(600); // four standard deviations are 580
  });

  test('a threshold of 0 for rate 0, and below 2^32 for every rate below 1', () => {
    expect(dropThreshold(0)).toBe(0);
    expect(dropThreshold(0.5)).toBe(2 ** 31);
    expect(dropThreshold(1 - Number.EPSILON)).toBeLessThan(2 ** 32);
  });
});

describe('A uniform number', () => {
  const stream = maskStream(7, 'a prompt');

  test('is made of the first 53 bits of its step’s block, high word first', () => {
    for (const step of [0, 1, 2 ** 33 + 5]) {
      const [low, high] = philox4x32([step % 2 ** 32, Math.floor(step / 2 ** 32), ...stream.name], stream.seed);
      const bits = (BigInt(high) >> 5n) * 2n ** 26n + (BigInt(low) >> 6n);
      expect(uniform(stream, step)).toBe(Number(bits) / 2 ** 53);
    }
  });

  test('has the mean and the variance of its kind, and stays in [0, 1)', () => {
    const drawn = Array.from({ length: 20_000 }, (_, step) => uniform(stream, step));
    const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
    const variance = drawn.reduce((sum, one) => sum + (one - 0.5) ** 2, 0) / drawn.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.008); // four standard errors
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
    expect(drawn.every((one) => one >= 0 && one < 1)).toBe(true);
  });
});
