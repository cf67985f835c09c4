/** The probe passes what is right and finds what drivers are known, or allowed, to do. */

import { describe, expect, test } from 'vitest';
import { decodeFloats, encodeFloats, type FloatDtype } from '../../src/core/dtype.ts';
import { maskStream, maskWord } from '../../src/core/philox.ts';
import type { Elements, KernelOp, Kernels } from '../../src/kernels/kernels.ts';
import { checked, probe, type Variant } from '../../src/kernels/probe.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { compiledKernels } from './compiled.ts';
import { operand, weights } from './elements.ts';

const round = Math.fround;

/** float32 arithmetic as a device might do it; bytes in, bytes out. */
interface Device {
  /** What its adder and multiplier make of their operands and results. */
  flush?: (value: number) => number;
  /** A product and the sum after it, rounded once. */
  fused?: boolean;
  mask?: (element: number) => number;
  store?: (values: Float32Array, dtype: FloatDtype) => Uint8Array;
  miscount?: boolean;
}

/** The oracle with a device's habits; counts are the oracle's. */
function kernelsOf({ flush = (x) => x, fused, mask, store = encodeFloats, miscount }: Device): Kernels {
  const f = (x: number) => flush(round(x));
  const compute = (op: KernelOp, values: number[], element: number): number => {
    const [one = 0, two = 0, three = 0] = values.map(flush);
    if (op.kind === 'convert') return one;
    if (op.kind === 'difference') return f(one - two);
    const stored = op.kind === 'add-scaled' || op.kind === 'drop-and-add-scaled';
    const vector = stored ? flush(values.at(-1)!) : f(two - three);
    const addTo = (start: number) =>
      fused ? f(start + round(op.scale) * vector) : f(start + f(round(op.scale) * vector));
    if (!('rate' in op)) return addTo(one);
    const word = mask ? mask(element) : maskWord(op.stream, element);
    const kept = word < Math.floor(op.rate * 2 ** 32) ? 0 : f(f(one - two) * round(1 / (1 - op.rate)));
    return addTo(f(two + kept));
  };
  return {
    backend: 'webgpu',
    parallel: 1,
    async apply(op, inputs, out, firstElement) {
      const counts = await referenceKernels.apply(op, inputs, { ...out, bytes: out.bytes.slice() }, firstElement);
      const values = inputs.map(({ bytes, dtype }) => decodeFloats(bytes, dtype));
      const results = values[0]!.map((_, i) =>
        compute(
          op,
          values.map((one) => one[i]!),
          firstElement + i,
        ),
      );
      out.bytes.set(store(results, out.dtype));
      return miscount ? { ...counts, nonFinite: counts.nonFinite + 1 } : counts;
    },
    foldLowRank: referenceKernels.foldLowRank,
  };
}

const flushToZero = (x: number) => (Math.abs(x) < 2 ** -126 ? 0 * x : x);
/** As the probe's own stream. */
const STREAM = maskStream(7, 'probe');

describe('the probe at start', () => {
  test('passes WebAssembly, which is right', async () => {
    expect(await probe(await compiledKernels())).toBeUndefined();
  });

  test('passes a device without habits', async () => {
    expect(await probe(kernelsOf({}))).toBeUndefined();
  });

  test('says that subnormal numbers are taken for zero', async () => {
    expect(await probe(kernelsOf({ flush: flushToZero }))).toMatch(/numbers below 1\.2e-38 for zero/);
  });

  test('says that a fused multiply-add rounds in its own way', async () => {
    expect(await probe(kernelsOf({ fused: true }))).toMatch(
      /rounds in its own way: add-scaled-difference of .* is right/,
    );
  });

  test('says that infinity is not infinity', async () => {
    const clamp = (x: number) => Math.max(-3.4028234663852886e38, Math.min(3.4028234663852886e38, x));
    expect(await probe(kernelsOf({ flush: clamp }))).toMatch(/infinity or NaN in its own way/);
  });

  test.each([
    ['forgets the upper word of the counter', (element: number) => maskWord(STREAM, element % 2 ** 34)],
    ['counts elements in 32 bits', (element: number) => maskWord(STREAM, element % 2 ** 32)],
    ['shifts the mask by one', (element: number) => maskWord(STREAM, element + 1)],
  ])('finds a mask that %s', async (_, mask) => {
    expect(await probe(kernelsOf({ mask }))).toMatch(/drop-and-add/);
  });

  test('finds bfloat16 that is cut off and not rounded', async () => {
    const store = (values: Float32Array, dtype: FloatDtype) => {
      if (dtype !== 'BF16') return encodeFloats(values, dtype);
      const words = new Uint32Array(encodeFloats(values, 'F32').buffer);
      return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
    };
    expect(await probe(kernelsOf({ store }))).toMatch(/rounds in its own way.*BF16/);
  });

  test('finds counts that are off by one', async () => {
    expect(await probe(kernelsOf({ miscount: true }))).toMatch(/counts in its own way: .* nonFinite/);
  });

  test('finds a fold that sums in another order', async () => {
    const kernels = kernelsOf({});
    const backwards: Kernels = {
      ...kernels,
      foldLowRank(base, matrices, firstElement) {
        const turned = (all: Float32Array) => all.map((_, i) => all[i - (i % matrices.rank) * 2 + matrices.rank - 1]!);
        const reversed = { ...matrices, lines: turned(matrices.lines), across: turned(matrices.across) };
        return referenceKernels.foldLowRank(base, reversed, firstElement);
      },
    };
    expect(await probe(backwards)).toMatch(/folding a LoRA/);
  });
});

describe('a rounding of every type', () => {
  const TYPES: FloatDtype[] = ['F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'];
  /** The neighbour of a tie goes the wrong way: one unit of the last place, where the float32 is exactly halfway. */
  const awayFromEven = (values: Float32Array, dtype: FloatDtype) =>
    encodeFloats(
      values.map((value) => (Number.isFinite(value) ? round(value * (1 + 2 ** -22)) : value)),
      dtype,
    );
  test.each(TYPES)('%s is probed at its ties', async (out) => {
    const variant: Variant = { kind: 'convert', inputs: ['F32'], out };
    expect(await probe(kernelsOf({ store: awayFromEven }), [variant])).toMatch(/./);
    expect(await probe(kernelsOf({}), [variant])).toBeUndefined();
  });
});

describe('checked kernels', () => {
  test('are the kernels where nothing differs, and are compared once per op and types', async () => {
    let calls = 0;
    const right = kernelsOf({});
    const counting: Kernels = {
      ...right,
      apply(...call) {
        calls++;
        return right.apply(...call);
      },
    };
    const kernels = checked(counting);
    const op: KernelOp = { kind: 'convert' };
    const input = weights('F16', 10, 1, 0);
    const call = () => kernels.apply(op, [input], operand('BF16', 10, 1, 0), 0);
    await Promise.all([call(), call()]);
    const first = calls;
    await call();
    expect([first, calls]).toEqual([3, 4]);
  });

  test('refuse, before a byte is written, the one op that differs, and say what differed', async () => {
    const kernels = checked(kernelsOf({ mask: (element) => maskWord(STREAM, element % 2 ** 32) }));
    const inputs = [1, 2, 3].map((seed) => weights('BF16', 10, seed, 0));
    const out: Elements = { dtype: 'BF16', bytes: new Uint8Array(20) };
    const drop = { kind: 'drop-and-add-scaled-difference', scale: 1, rate: 0.5, stream: STREAM } as const;
    await expect(kernels.apply(drop, inputs, out, 0)).rejects.toMatchObject({
      code: 'backend-unavailable',
      message: expect.stringContaining('drop-and-add'),
    });
    expect(out.bytes.every((byte) => byte === 0)).toBe(true);
    expect(await kernels.apply({ ...drop, rate: 0 }, inputs, out, 0)).toMatchObject({ changed: 10 });
  });
});
