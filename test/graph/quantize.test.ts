/** Expected numbers are worked out by hand from the format: a code c stands for (c - 2^(bits-1)) * scale. */

import { describe, expect, it } from 'vitest';
import { QUANTIZED_BLOCK, quantize } from '../../src/graph/quantize.ts';
import { weightBytes } from '../../src/graph/weights.ts';

const block = (values: number[]): number[] => [...values, ...new Array(QUANTIZED_BLOCK - values.length).fill(0)];

/** What codes and scales stand for. */
function widened({ codes, scales }: ReturnType<typeof quantize>, bits: 4 | 8): number[] {
  const list = bits === 8 ? [...codes] : [...codes].flatMap((byte) => [byte & 15, byte >> 4]);
  return list.map((code, i) => (code - 2 ** (bits - 1)) * scales[Math.floor(i / QUANTIZED_BLOCK)]!);
}

describe.each([4, 8] as const)('weights in %i bits', (bits) => {
  it('keep the number of largest magnitude of a block exactly, of either sign', () => {
    const values = Float32Array.from([...block([0.5, -3, 1]), ...block([2, -0.25])]);
    const found = widened(quantize(values, 1, values.length, bits), bits);
    expect(found[1]).toBe(-3);
    expect(found[QUANTIZED_BLOCK]).toBe(2);
  });

  it('are off by half a step at most, and by one where the scale has no code for the other end', () => {
    const values = Float32Array.from({ length: 16 * QUANTIZED_BLOCK }, (_, i) => Math.sin(i * 1.7) * (1 + (i % 5)));
    const made = quantize(values, 4, values.length / 4, bits);
    widened(made, bits).forEach((value, i) => {
      const step = Math.abs(made.scales[Math.floor(i / QUANTIZED_BLOCK)]!);
      const opposite = value / made.scales[Math.floor(i / QUANTIZED_BLOCK)]! === 2 ** (bits - 1) - 1;
      expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(step * (opposite ? 1 : 0.5) * 1.0001);
    });
  });

  it('are zeros for zeros, and a zero for what is no number', () => {
    const values = Float32Array.from([...block([]), ...block([Number.NaN, 1])]);
    const found = widened(quantize(values, 1, values.length, bits), bits);
    expect(found.slice(0, QUANTIZED_BLOCK).every((value) => value === 0)).toBe(true);
    expect(found[QUANTIZED_BLOCK] === 0).toBe(true);
  });

  it('are the same for a layer that is stored the other way round', () => {
    const [outputs, inputs] = [3, 64];
    const straight = Float32Array.from({ length: outputs * inputs }, (_, i) => Math.cos(i));
    const turned = new Float32Array(straight.length);
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++) turned[i * outputs + o] = straight[o * inputs + i]!;
    const source = { tensor: 'w', as: 'codes' as const, bits };
    const stored = (values: Float32Array, shape: number[], transposed: boolean) =>
      weightBytes({ bytes: new Uint8Array(values.buffer), dtype: 'F32', shape }, [
        { type: 'u8', source: { ...source, transposed } },
        { type: 'f32', source: { ...source, as: 'scales', transposed } },
      ]);
    expect(stored(turned, [inputs, outputs], true)).toEqual(stored(straight, [outputs, inputs], false));
  });
});

it('puts the first of two codes of a byte into its low half', () => {
  const { codes, scales } = quantize(Float32Array.from(block([-8, 7])), 1, QUANTIZED_BLOCK, 4);
  expect(scales[0]).toBe(1);
  expect(codes[0]).toBe(0x0 | (15 << 4));
});

it('leaves numbers alone that are stored as they are wanted', () => {
  const bytes = new Uint8Array(Float32Array.of(1, 2).buffer);
  const values = { tensor: 'w', as: 'values' as const };
  expect(weightBytes({ bytes, dtype: 'F32', shape: [2] }, [{ type: 'f32', source: values }])[0]).toBe(bytes);
  expect([...weightBytes({ bytes, dtype: 'F32', shape: [2] }, [{ type: 'f16', source: values }])[0]!]).toEqual([
    0, 0x3c, 0, 0x40,
  ]);
});
