/** Every backend gives the oracle's bytes and counts: all types, lengths, mask phases and byte alignments. */

import { beforeAll, describe, expect, test } from 'vitest';
import { dtypeBytes, type FloatDtype } from '../../src/core/dtype.ts';
import { maskStream } from '../../src/core/philox.ts';
import type { Elements, KernelOp, Kernels } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { compiledKernels } from './compiled.ts';

const DTYPES: FloatDtype[] = ['F32', 'F16', 'BF16'];
const STREAM = maskStream(7, 'model.layers.0.self_attn.q_proj.weight');
const PLAIN: KernelOp = { kind: 'add-scaled-difference', scale: 0.75 };
const DROP: KernelOp = { kind: 'drop-and-add-scaled-difference', scale: 0.5, rate: 0.3, stream: STREAM };

let wasm: Kernels;
beforeAll(async () => {
  wasm = await compiledKernels();
});

/** Deterministic bytes (xorshift32): uniform bit patterns hold every kind of float, NaN, infinity and subnormals among them. */
function randomBytes(length: number, seed: number): Uint8Array {
  let state = (seed * 2654435761 + 1) >>> 0;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

/** Elements at an odd address unless `offset` is even. */
function operand(dtype: FloatDtype, length: number, seed: number, offset: number): Elements {
  const size = length * dtypeBytes(dtype);
  return { dtype, bytes: randomBytes(offset + size, seed).subarray(offset) };
}

/** Weights as models have them: about normal, so that rounding, not overflow, is what differs. */
function weights(dtype: FloatDtype, length: number, seed: number, offset: number): Elements {
  const noise = randomBytes(length * 4, seed);
  const values = Float32Array.from(
    { length },
    (_, i) => (noise[4 * i]! + noise[4 * i + 1]! + noise[4 * i + 2]! / 256 - 255) / 4000,
  );
  const out = { dtype, bytes: new Uint8Array(offset + length * dtypeBytes(dtype)).subarray(offset) };
  referenceKernels.apply({ kind: 'convert' }, [{ dtype: 'F32', bytes: new Uint8Array(values.buffer) }], out, 0);
  return out;
}

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

const COMBINATIONS = DTYPES.flatMap((a) =>
  DTYPES.flatMap((b) => DTYPES.flatMap((c) => DTYPES.map((out) => [a, b, c, out] as const))),
);

describe.each([PLAIN, DROP])('$kind on wasm equals the oracle', (op) => {
  test.each(COMBINATIONS)('%s %s %s -> %s', async (a, b, c, out) => {
    for (const length of [0, 1, 15, 16, 17, 1000]) {
      const offset = length % 4;
      const random = [operand(a, length, 1, offset), operand(b, length, 2, 1), operand(c, length, 3, 3)];
      const normal = [weights(a, length, 4, offset), weights(b, length, 5, 1), weights(c, length, 6, 2)];
      await expectAgreement(op, random, out, length, 1);
      await expectAgreement(op, normal, out, 5, 3);
    }
  });

  test.each(DTYPES)('%s at every length, phase of the mask and alignment', async (dtype) => {
    for (const length of [0, 1, 3, 4, 5, 7, 8, 15, 16, 17, 31, 63, 1000]) {
      for (const first of [0, 1, 5, 15, 16, 2 ** 32 - 3, 2 ** 32 + 7, 2 ** 45 + 9]) {
        const offset = (length + first) % 5;
        const inputs = [operand(dtype, length, 1, offset), operand(dtype, length, 2, 1), operand(dtype, length, 3, 0)];
        await expectAgreement(op, inputs, dtype, first, offset);
      }
    }
  });

  test.each(DTYPES)('%s over several blocks', async (dtype) => {
    const length = 65537;
    const same = [weights(dtype, length, 1, 1), weights(dtype, length, 2, 0), weights(dtype, length, 3, 3)];
    await expectAgreement(op, same, dtype, 13, 1);
    await expectAgreement(op, [same[0]!, weights('F32', length, 2, 0), same[2]!], dtype, 2 ** 32 - 5, 1);
  });
});

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

  test.each(DTYPES.flatMap((from) => DTYPES.map((to) => [from, to] as const)))('%s -> %s', async (from, to) => {
    for (const length of [0, 1, 3, 4, 5, 15, 16, 17, 63, 1000, 65537]) {
      await expectAgreement({ kind: 'convert' }, [operand(from, length, 1, length % 3)], to, 3, length % 5);
    }
  });
});
