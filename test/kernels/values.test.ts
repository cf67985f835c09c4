/** The arithmetic itself, against numbers worked out by hand and properties that must hold; every backend alike. */

import { beforeAll, describe, expect, test } from 'vitest';
import { decodeFloats, dtypeBytes, encodeFloats, type FloatDtype } from '../../src/core/dtype.ts';
import { dropThreshold, maskStream, maskWord } from '../../src/core/philox.ts';
import type { Elements, KernelOp, Kernels } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { compiledKernels } from './compiled.ts';

const stream = maskStream(3, 'w');
const plain = (scale: number): KernelOp => ({ kind: 'add-scaled-difference', scale });
const drop = (scale: number, rate: number): KernelOp => ({
  kind: 'drop-and-add-scaled-difference',
  scale,
  rate,
  stream,
});
const f32 = (...values: number[]): Elements => ({
  dtype: 'F32',
  bytes: encodeFloats(Float32Array.from(values), 'F32'),
});
const as = (dtype: FloatDtype, ...values: number[]): Elements => ({
  dtype,
  bytes: encodeFloats(Float32Array.from(values), dtype),
});
const empty = (dtype: FloatDtype, length: number): Elements => ({
  dtype,
  bytes: new Uint8Array(length * dtypeBytes(dtype)),
});
const patterns = ({ bytes, dtype }: Elements) => [
  ...(dtype === 'F32' ? new Uint32Array(bytes.buffer) : new Uint16Array(bytes.buffer)),
];

describe.each(['reference', 'wasm'] as const)('%s', (backend) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = backend === 'wasm' ? await compiledKernels() : referenceKernels;
  });

  async function result(op: KernelOp, inputs: Elements[], dtype: FloatDtype, firstElement = 0) {
    const out = empty(dtype, inputs[0]!.bytes.byteLength / dtypeBytes(inputs[0]!.dtype));
    const counts = await kernels.apply(op, inputs, out, firstElement);
    return { values: [...decodeFloats(out.bytes, dtype)], patterns: patterns(out), counts };
  }

  test('says which it is', () => {
    expect(kernels.backend).toBe(backend);
  });

  test('RESTA: 1 + 0.5 * (3 - 2) = 1.5', async () => {
    const { values, counts } = await result(plain(0.5), [f32(1, -4), f32(3, 1), f32(2, 9)], 'F32');
    expect(values).toEqual([1.5, -8]);
    expect(counts).toEqual({ changed: 2, unchanged: 0, nonFinite: 0 });
  });

  test('every operation is rounded by itself: no fused multiply-add', async () => {
    // In float32 (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 rounds to 1 + 2^-11 (a tie, to even): adding -(1 + 2^-11) leaves 0. Fused it would leave 2^-24.
    const x = 1 + 2 ** -12;
    expect((await result(plain(x), [f32(-(1 + 2 ** -11)), f32(x), f32(0)], 'F32')).values).toEqual([0]);
  });

  test('there is one rounding to the output type, at the end', async () => {
    // Exactly 2^-8 + (1 + 2^-7 - 2^-9) = 1 + 2^-7 + 2^-9, nearest 1 + 2^-7. With the difference rounded to bfloat16 first it were a tie, to 1 + 2^-6.
    const inputs = [as('BF16', 2 ** -8), as('BF16', 1 + 2 ** -7), as('BF16', 2 ** -9)];
    expect((await result(plain(1), inputs, 'BF16')).patterns).toEqual([0x3f81]);
  });

  test('an edit smaller than half a step rounds back and counts as unchanged', async () => {
    const { patterns: bits, counts } = await result(
      plain(1),
      [as('BF16', 1, 1), as('BF16', 2 ** -9, 2 ** -7), as('BF16', 0, 0)],
      'BF16',
    );
    expect(bits).toEqual([0x3f80, 0x3f81]);
    expect(counts).toEqual({ changed: 1, unchanged: 1, nonFinite: 0 });
  });

  test('unchanged is relative to the first input as stored: narrowing alone changes nothing', async () => {
    const { counts } = await result(plain(1), [f32(1 + 2 ** -20), f32(0), f32(0)], 'BF16');
    expect(counts).toEqual({ changed: 0, unchanged: 1, nonFinite: 0 });
  });

  test('the scale is float32: 0.1 is the float32 nearest to it', async () => {
    expect((await result(plain(0.1), [f32(0), f32(1), f32(0)], 'F32')).values).toEqual([Math.fround(0.1)]);
  });

  test('RESTA_d: dropped elements start from plus, kept ones carry the rescaled delta', async () => {
    const length = 64;
    const sft = f32(...Array(length).fill(4));
    const { values, counts } = await result(
      drop(2, 0.5),
      [sft, f32(...Array(length).fill(1)), f32(...Array(length).fill(0.5))],
      'F32',
      40,
    );
    // kept: 1 + (4 - 1) / (1 - 0.5) + 2 * (1 - 0.5) = 8; dropped: 1 + 2 * (1 - 0.5) = 2
    const expected = Array.from({ length }, (_, i) => (maskWord(stream, 40 + i) < dropThreshold(0.5) ? 2 : 8));
    expect(values).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set([2, 8]));
    expect(counts.changed).toBe(length);
  });

  test('rate 0 gives the bytes of plain RESTA', async () => {
    const inputs = [as('F16', 0.1, -3.7, 1e-7, 60000), as('F16', 5, 0.3, 2e-7, -60000), as('F16', 4.9, 7, 0, 1)];
    expect(await result(drop(0.7, 0), inputs, 'F16', 9)).toEqual(await result(plain(0.7), inputs, 'F16', 9));
  });

  test('scale 0 leaves every finite value', async () => {
    const sft = as('F16', 0.1, -3.7, 6e-8, 65504, 0);
    const { values, counts } = await result(
      plain(0),
      [sft, as('F16', 1, 2, 3, 4, 5), as('F16', 9, -9, 9, 9, 9)],
      'F16',
    );
    expect(values).toEqual([...decodeFloats(sft.bytes, 'F16')]);
    expect(counts).toEqual({ changed: 0, unchanged: 5, nonFinite: 0 });
  });

  test('-0 becomes 0 where a zero is added, and that is no change', async () => {
    const { patterns: bits, counts } = await result(plain(1), [as('F16', -0), as('F16', 1), as('F16', 1)], 'F16');
    expect(bits).toEqual([0]);
    expect(counts).toEqual({ changed: 0, unchanged: 1, nonFinite: 0 });
  });

  test('what overflows the output type is infinite, and counted', async () => {
    const { patterns: bits, counts } = await result(
      plain(1),
      [as('F16', 65504, 65504), as('F16', 15, 16), as('F16', 0, 0)],
      'F16',
    );
    expect(bits).toEqual([0x7bff, 0x7c00]);
    expect(counts).toEqual({ changed: 1, unchanged: 1, nonFinite: 1 });
  });

  test.each([
    ['F32', [0x7fc00000], [0xff812345]],
    ['F16', [0x7e00], [0xfd23]],
    ['BF16', [0x7fc0], [0xff81]],
  ] as const)(
    'NaN is written canonical in %s, and NaN that stays NaN is no change',
    async (dtype, canonical, payload) => {
      const bytes = new Uint8Array((dtype === 'F32' ? Uint32Array : Uint16Array).from(payload).buffer);
      const nan = { dtype, bytes };
      for (const op of [plain(1), { kind: 'convert' } as const]) {
        const inputs = op.kind === 'convert' ? [nan] : [nan, as(dtype, 1), as(dtype, 2)];
        const { patterns: bits, counts } = await result(op, inputs, dtype);
        expect(bits).toEqual(canonical);
        expect(counts).toEqual({ changed: 0, unchanged: 1, nonFinite: 1 });
      }
    },
  );

  test('infinity minus infinity is NaN, a change', async () => {
    const infinite = as('BF16', Number.POSITIVE_INFINITY);
    const { patterns: bits, counts } = await result(plain(1), [as('BF16', 1), infinite, infinite], 'BF16');
    expect(bits).toEqual([0x7fc0]);
    expect(counts).toEqual({ changed: 1, unchanged: 0, nonFinite: 1 });
  });

  test('subnormals are kept', async () => {
    expect((await result({ kind: 'convert' }, [as('F16', 2 ** -24)], 'F32')).values).toEqual([2 ** -24]);
    expect((await result(plain(1), [f32(2 ** -149), f32(2 ** -149), f32(0)], 'F32')).values).toEqual([2 ** -148]);
  });

  test('a run split anywhere gives the same bytes and counts', async () => {
    const length = 100;
    const wave = (frequency: number) => as('BF16', ...Array.from({ length }, (_, i) => Math.sin(i * frequency)));
    const inputs = [wave(0.7), wave(1.3), wave(2.9)];
    const whole = await result(drop(0.8, 0.4), inputs, 'BF16', 5);
    for (let cut = 0; cut <= length; cut++) {
      const part = (from: number, to: number) =>
        inputs.map(({ dtype, bytes }) => ({ dtype, bytes: bytes.subarray(from * 2, to * 2) }));
      const [left, right] = [
        await result(drop(0.8, 0.4), part(0, cut), 'BF16', 5),
        await result(drop(0.8, 0.4), part(cut, length), 'BF16', 5 + cut),
      ];
      expect([...left.patterns, ...right.patterns]).toEqual(whole.patterns);
      expect(left.counts.changed + right.counts.changed).toBe(whole.counts.changed);
    }
  });

  test('the output may lie on an input of its type', async () => {
    const wave = (frequency: number) => as('F16', ...Array.from({ length: 40_000 }, (_, i) => Math.sin(i * frequency)));
    const inputs = [wave(0.7), wave(1.3), wave(2.9)];
    const expected = await result(drop(1, 0.2), inputs, 'F16', 3);
    await kernels.apply(drop(1, 0.2), inputs, inputs[0]!, 3);
    expect(patterns(inputs[0]!)).toEqual(expected.patterns);
  });

  test.each<[string, KernelOp, Elements[], Elements, number]>([
    ['a missing input', plain(1), [f32(1), f32(1)], empty('F32', 1), 0],
    ['lengths that differ', plain(1), [f32(1), f32(1, 2), f32(1)], empty('F32', 1), 0],
    [
      'half an element',
      { kind: 'convert' },
      [{ dtype: 'F32', bytes: new Uint8Array(6) }],
      { dtype: 'F16', bytes: new Uint8Array(3) },
      0,
    ],
    ['a scale beyond float32', plain(1e39), [f32(1), f32(1), f32(1)], empty('F32', 1), 0],
    ['a scale that is NaN', plain(Number.NaN), [f32(1), f32(1), f32(1)], empty('F32', 1), 0],
    ['rate 1', drop(1, 1), [f32(1), f32(1), f32(1)], empty('F32', 1), 0],
    ['a negative rate', drop(1, -0.1), [f32(1), f32(1), f32(1)], empty('F32', 1), 0],
    ['a negative first element', drop(1, 0.5), [f32(1), f32(1), f32(1)], empty('F32', 1), -1],
    ['a fractional first element', drop(1, 0.5), [f32(1), f32(1), f32(1)], empty('F32', 1), 0.5],
  ])('%s is a RangeError', async (_, op, inputs, out, firstElement) => {
    await expect(async () => kernels.apply(op, inputs, out, firstElement)).rejects.toThrow(RangeError);
  });
});
