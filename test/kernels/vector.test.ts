/** The safety vector kept and added later: the very bytes that the two models behind it would have given. */

import { beforeAll, describe, expect, test } from 'vitest';
import { dtypeBytes, encodeFloats, type FloatDtype } from '../../src/core/dtype.ts';
import { dropThreshold, maskStream, maskWord } from '../../src/core/philox.ts';
import type { Elements, KernelOp, Kernels } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { compiledKernels } from './compiled.ts';
import { operand, weights } from './elements.ts';

const DTYPES: FloatDtype[] = ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'];
const stream = maskStream(11, 'model.embed_tokens.weight');
const as = (dtype: FloatDtype, values: number[]): Elements => ({
  dtype,
  bytes: encodeFloats(Float32Array.from(values), dtype),
});
const f32 = (...values: number[]) => as('F32', values);
const lengthOf = ({ bytes, dtype }: Elements) => bytes.byteLength / dtypeBytes(dtype);
const empty = (dtype: FloatDtype, length: number): Elements => ({
  dtype,
  bytes: new Uint8Array(length * dtypeBytes(dtype)),
});

/** Zeros, subnormals, ordinary and huge values of both signs, infinities and NaN, each with each in three operands. */
function specials(dtype: FloatDtype): Elements[] {
  const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
  const tiny = { F64: 2 ** -149, F32: 2 ** -149, F16: 2 ** -24, BF16: 2 ** -133, F8_E4M3: 2 ** -9, F8_E5M2: 2 ** -16 };
  const huge = { F64: 3e38, F32: 3e38, F16: 65504, BF16: 3e38, F8_E4M3: 448, F8_E5M2: 57344 };
  const positive = [0, tiny[dtype], 3 * tiny[dtype], 0.75, 1, huge[dtype], infinity];
  const values = [...positive, ...positive.map((value) => -value), nan];
  const n = values.length;
  const pick = (stride: number) =>
    as(
      dtype,
      Array.from({ length: n ** 3 }, (_, i) => values[Math.floor(i / stride) % n]!),
    );
  return [pick(1), pick(n), pick(n * n)];
}

describe.each(['reference', 'wasm'] as const)('%s', (backend) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = backend === 'wasm' ? await compiledKernels() : referenceKernels;
  });

  async function result(op: KernelOp, inputs: Elements[], dtype: FloatDtype, firstElement = 0) {
    const out = empty(dtype, lengthOf(inputs[0]!));
    const counts = await kernels.apply(op, inputs, out, firstElement);
    return { out, counts };
  }

  async function expectSameBytes(inputs: Elements[], dtype: FloatDtype, scale: number, firstElement: number) {
    const [sft, plus, minus] = inputs as [Elements, Elements, Elements];
    const vector = (await result({ kind: 'difference' }, [plus, minus], 'F32', firstElement)).out;
    const drop = { scale, rate: 0.4, stream };
    const pairs: [KernelOp, Elements[], KernelOp][] = [
      [{ kind: 'add-scaled', scale }, [sft, vector], { kind: 'add-scaled-difference', scale }],
      [
        { kind: 'drop-and-add-scaled', ...drop },
        [sft, plus, vector],
        { kind: 'drop-and-add-scaled-difference', ...drop },
      ],
      [
        { kind: 'drop-and-add-scaled', ...drop, rate: 0 },
        [sft, plus, vector],
        { kind: 'drop-and-add-scaled-difference', ...drop, rate: 0 },
      ],
    ];
    for (const [withVector, operands, direct] of pairs) {
      const [got, expected] = [
        await result(withVector, operands, dtype, firstElement),
        await result(direct, inputs, dtype, firstElement),
      ];
      expect(Buffer.compare(got.out.bytes, expected.out.bytes), `${withVector.kind} ${dtype}`).toBe(0);
      expect(got.counts).toEqual(expected.counts);
    }
  }

  test.each(DTYPES)(
    'a vector kept in F32 adds the very bytes that %s models give: zeros of both signs, NaN, infinities, subnormals',
    async (dtype) => {
      for (const scale of [1, 0.3, 0, -2]) await expectSameBytes(specials(dtype), dtype, scale, 7);
    },
  );

  test.each(DTYPES)('and so for weights and for any bytes in %s', async (dtype) => {
    for (const made of [weights, operand]) {
      const inputs = [made(dtype, 5001, 1, 1), made('BF16', 5001, 2, 0), made(dtype, 5001, 3, 1)];
      await expectSameBytes(inputs, dtype, 0.7, 2 ** 32 - 100);
    }
  });

  test('add-scaled: 1 + 0.5 * 3 = 2.5, counted against the first input', async () => {
    const { out, counts } = await result({ kind: 'add-scaled', scale: 0.5 }, [f32(1, -4, 2), f32(3, 0, -4)], 'F32');
    expect([...new Float32Array(out.bytes.buffer)]).toEqual([2.5, -4, 0]);
    expect(counts).toEqual({ changed: 2, unchanged: 1, nonFinite: 0 });
  });

  test('add-scaled rounds the product before the sum', async () => {
    const x = 1 + 2 ** -12; // its square is a tie in float32, to 1 + 2^-11
    const { out } = await result({ kind: 'add-scaled', scale: x }, [f32(-(1 + 2 ** -11)), f32(x)], 'F32');
    expect([...new Float32Array(out.bytes.buffer)]).toEqual([0]);
  });

  test('drop-and-add-scaled: dropped elements start from the base, kept ones carry the rescaled delta', async () => {
    const fill = (value: number) => f32(...Array(64).fill(value));
    const op: KernelOp = { kind: 'drop-and-add-scaled', scale: 2, rate: 0.5, stream };
    const { out } = await result(op, [fill(4), fill(1), fill(0.25)], 'F32', 40);
    // kept: 1 + (4 - 1) / (1 - 0.5) + 2 * 0.25 = 7.5; dropped: 1 + 2 * 0.25 = 1.5
    const expected = Array.from({ length: 64 }, (_, i) => (maskWord(stream, 40 + i) < dropThreshold(0.5) ? 1.5 : 7.5));
    expect([...new Float32Array(out.bytes.buffer)]).toEqual(expected);
    expect(new Set(expected).size).toBe(2);
  });

  test('at rate 0 the base is not looked at', async () => {
    const op: KernelOp = { kind: 'drop-and-add-scaled', scale: 1, rate: 0, stream };
    const { out } = await result(op, [f32(0.1), f32(Number.NaN), f32(0.5)], 'F32');
    expect([...new Float32Array(out.bytes.buffer)]).toEqual([Math.fround(0.6)]);
  });

  test.each(['F32', 'F16', 'BF16', 'F64', 'F8_E5M2'] as const)(
    'difference to %s counts what is not zero as changed: NaN too, -0 not',
    async (dtype) => {
      const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
      const plus = [3, 1, 0, -0, nan, infinity, infinity, 2 ** -16];
      const minus = [1, 1, 0, 0, 1, 1, infinity, 0];
      const { out, counts } = await result({ kind: 'difference' }, [f32(...plus), f32(...minus)], dtype);
      expect(out).toEqual(as(dtype, [2, 0, 0, -0, nan, infinity, nan, 2 ** -16]));
      expect(counts).toEqual({ changed: 5, unchanged: 3, nonFinite: 3 });
    },
  );

  test('a difference too small for its type is stored as zero, and counts as unchanged', async () => {
    const { counts } = await result({ kind: 'difference' }, [f32(2 ** -30), f32(0)], 'F16');
    expect(counts).toEqual({ changed: 0, unchanged: 1, nonFinite: 0 });
  });

  test.each<[KernelOp, Elements[]]>([
    [{ kind: 'add-scaled', scale: 1 }, [f32(1), f32(1), f32(1)]],
    [{ kind: 'difference' }, [f32(1)]],
    [{ kind: 'drop-and-add-scaled', scale: 1, rate: 0.5, stream }, [f32(1), f32(1)]],
    [{ kind: 'drop-and-add-scaled', scale: 1, rate: 1, stream }, [f32(1), f32(1), f32(1)]],
    [{ kind: 'add-scaled', scale: 1e39 }, [f32(1), f32(1)]],
  ])('%o with operands that do not fit is a RangeError', async (op, inputs) => {
    await expect(async () => kernels.apply(op, inputs, empty('F32', 1), 0)).rejects.toThrow(RangeError);
  });
});
