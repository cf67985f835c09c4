/** Every backend gives the oracle's bytes and counts: all types, lengths, mask phases and byte alignments. */

import { beforeAll, describe, expect, test } from 'vitest';
import { dtypeBytes, type FloatDtype, isKernelDtype, type KernelDtype } from '../../src/core/dtype.ts';
import { maskStream } from '../../src/core/philox.ts';
import type { Elements, KernelOp, Kernels } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { compiledKernels } from './compiled.ts';
import { operand, weights } from './elements.ts';

const DTYPES: KernelDtype[] = ['F32', 'F16', 'BF16'];
const ALL: FloatDtype[] = ['F64', ...DTYPES, 'F8_E4M3', 'F8_E5M2'];
const STREAM = maskStream(7, 'model.layers.0.self_attn.q_proj.weight');
const OF_THREE: KernelOp[] = [
  { kind: 'add-scaled-difference', scale: 0.75 },
  { kind: 'drop-and-add-scaled-difference', scale: 0.5, rate: 0.3, stream: STREAM },
  { kind: 'drop-and-add-scaled', scale: 0.5, rate: 0.3, stream: STREAM },
];
const OF_TWO: KernelOp[] = [{ kind: 'add-scaled', scale: 0.75 }, { kind: 'difference' }];

let wasm: Kernels;
beforeAll(async () => {
  wasm = await compiledKernels();
});

async function expectAgreement(
  op: KernelOp,
  inputs: Elements[],
  outDtype: FloatDtype,
  firstElement: number,
  offset: number,
) {
  const length = inputs[0]!.bytes.byteLength / dtypeBytes(inputs[0]!.dtype);
  const expected = operand(outDtype, length, 99, 0);
  const got = operand(outDtype, length, 98, offset);
  const expectedCounts = await referenceKernels.apply(op, inputs, expected, firstElement);
  const counts = await wasm.apply(op, inputs, got, firstElement);
  const label = `${op.kind} ${inputs.map((input) => input.dtype)} -> ${outDtype}, ${length} from ${firstElement}, offset ${offset}`;
  expect(Buffer.compare(got.bytes, expected.bytes), label).toBe(0);
  expect(counts, label).toEqual(expectedCounts);
}

/** Every choice of `count` types. */
function choices<D>(types: readonly D[], count: number): D[][] {
  if (count === 0) return [[]];
  return choices(types, count - 1).flatMap((chosen) => types.map((type) => [...chosen, type]));
}

const operands = (dtypes: FloatDtype[], length: number, offset: number) =>
  dtypes.map((dtype, i) => operand(dtype, length, 1 + i, i === 0 ? offset : 5 - 2 * i));
const weightsOf = (dtypes: FloatDtype[], length: number, offset: number) =>
  dtypes.map((dtype, i) => weights(dtype, length, 4 + i, i === 0 ? offset : i));

describe.each([
  ...OF_THREE.map((op) => ({ kind: op.kind, op, inputs: 3 })),
  ...OF_TWO.map((op) => ({ kind: op.kind, op, inputs: 2 })),
])('$kind on wasm equals the oracle', ({ op, inputs }) => {
  test.each(choices(DTYPES, inputs + 1).map((types) => [types.join(' '), types] as const))('%s', async (_, types) => {
    const [from, out] = [types.slice(0, -1), types.at(-1)!];
    for (const length of [0, 1, 15, 16, 17, 1000]) {
      await expectAgreement(op, operands(from, length, length % 4), out, length, 1);
      await expectAgreement(op, weightsOf(from, length, length % 4), out, 5, 3);
    }
  });

  test.each(DTYPES)('%s at every length, phase of the mask and alignment', async (dtype) => {
    for (const length of [0, 1, 3, 4, 5, 7, 8, 15, 16, 17, 31, 63, 1000]) {
      for (const first of [0, 1, 5, 15, 16, 2 ** 32 - 3, 2 ** 32 + 7, 2 ** 34 - 5, 2 ** 34 - 21, 2 ** 45 + 9]) {
        const offset = (length + first) % 5;
        await expectAgreement(op, operands(Array(inputs).fill(dtype), length, offset), dtype, first, offset);
      }
    }
  });

  test.each(DTYPES)('%s over several blocks', async (dtype) => {
    const same = weightsOf(Array(inputs).fill(dtype), 65537, 1);
    await expectAgreement(op, same, dtype, 13, 1);
    await expectAgreement(op, [same[0]!, weights('F32', 65537, 2, 0), ...same.slice(2)], dtype, 2 ** 32 - 5, 1);
  });

  test.each(ALL)('all mixtures with F64 and 8-bit floats, to %s', async (out) => {
    for (const from of choices(ALL, inputs)) {
      if ([...from, out].every(isKernelDtype)) continue;
      await expectAgreement(op, operands(from, 37, 1), out, 11, 3);
    }
  });

  test('F64 and 8-bit floats over several pieces', async () => {
    const from: FloatDtype[] = (['F8_E4M3', 'F64', 'F8_E5M2'] as const).slice(0, inputs);
    await expectAgreement(op, weightsOf(from, 65_541, 1), 'F8_E4M3', 13, 1);
    await expectAgreement(op, operands(from, 65_541, 1), 'BF16', 2 ** 32 - 5, 1);
  });
});

/** What a loop over finite numbers must not get wrong: each a pattern of the type. */
const HARD: Record<KernelDtype, number[]> = {
  F32: [0x7f800000, 0xff800000, 0x7f800001, 0xffffffff, 0x7f7fffff, 0xff7fffff, 0x80000000],
  F16: [0x7c00, 0xfc00, 0x7c01, 0xffff, 0x7bff, 0xfbff, 0x8000],
  BF16: [0x7f80, 0xff80, 0x7f81, 0xffff, 0x7f7f, 0xff7f, 0x8000],
};

describe('one element that is NaN, infinite, too large for a sum or a zero below zero, among weights', () => {
  const patternsOf = ({ dtype, bytes }: Elements) =>
    dtype === 'F32' ? new Uint32Array(bytes.buffer) : new Uint16Array(bytes.buffer);

  test.each(DTYPES)('%s', async (dtype) => {
    for (const [i, pattern] of HARD[dtype].entries()) {
      for (const op of [...OF_THREE, ...OF_TWO]) {
        const count = op.kind === 'add-scaled' || op.kind === 'difference' ? 2 : 3;
        // In one operand, or in the first two, whose sum may then be too large.
        for (const places of [[0], [1], count === 3 ? [2] : [], [0, 1]]) {
          const inputs = Array.from({ length: count }, (_, k) => weights(dtype, 200, 7 + k, 0));
          for (const place of places) patternsOf(inputs[place]!)[(37 * i + 61 * places.length) % 200] = pattern;
          await expectAgreement(op, inputs, dtype, 3, 0);
          await expectAgreement(op, inputs, 'F16', 3, 0);
          await expectAgreement(op, inputs, 'BF16', 3, 0);
        }
      }
    }
  });

  test.each(DTYPES)('%s zeros of both signs count as equal', async (dtype) => {
    const inputs = Array.from({ length: 3 }, () => ({ dtype, bytes: new Uint8Array(100 * dtypeBytes(dtype)) }));
    for (const [k, input] of inputs.entries()) patternsOf(input).fill(HARD[dtype].at(-1)!, 10 * k, 50 + 7 * k);
    for (const op of OF_THREE) await expectAgreement(op, inputs, dtype, 0, 0);
    for (const op of OF_TWO) await expectAgreement(op, inputs.slice(1), dtype, 0, 0);
  });
});

test.each(['F16', 'BF16'] as const)(
  'each of the finite patterns of %s passes through the arithmetic unharmed',
  async (dtype) => {
    const infinity = HARD[dtype][0]!;
    const patterns = Uint16Array.from({ length: 2 * infinity }, (_, i) => (i < infinity ? i : 0x8000 + i - infinity));
    const x = { dtype, bytes: new Uint8Array(patterns.buffer) };
    const zero = { dtype, bytes: new Uint8Array(patterns.byteLength) };
    await expectAgreement({ kind: 'difference' }, [x, zero], dtype, 0, 1);
    await expectAgreement({ kind: 'add-scaled', scale: 1 }, [x, zero], dtype, 0, 1);
  },
);

describe('convert on wasm equals the oracle', () => {
  test.each(['F16', 'BF16'] as const)('for each of the 65,536 patterns of %s', async (dtype) => {
    const bytes = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, bits) => bits).buffer);
    for (const to of DTYPES) await expectAgreement({ kind: 'convert' }, [{ dtype, bytes }], to, 0, 0);
  });

  test.each(['F16', 'BF16'] as const)('for float32 of all magnitudes, and around the ties of %s', async (dtype) => {
    const step = dtype === 'F16' ? 0x1000 : 0x8000; // half a last place of the type, among normal numbers
    const words = Uint32Array.from({ length: 400_000 }, (_, i) =>
      i % 2 ? i * 10_737 : Math.floor(i / 6) * step + (i % 3) - 1,
    );
    await expectAgreement({ kind: 'convert' }, [{ dtype: 'F32', bytes: new Uint8Array(words.buffer) }], dtype, 0, 0);
  });

  test.each(choices(ALL, 2) as [FloatDtype, FloatDtype][])('%s -> %s', async (from, to) => {
    for (const length of [0, 1, 3, 4, 5, 15, 16, 17, 63, 1000, 65537]) {
      await expectAgreement({ kind: 'convert' }, [operand(from, length, 1, length % 3)], to, 3, length % 5);
    }
  });
});
