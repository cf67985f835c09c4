/** Calls larger than a GPU's buffers: cut so that nobody can tell. What reaches the device is watched; the device itself is the oracle. */

import { describe, expect, test } from 'vitest';
import { dtypeBytes, type FloatDtype } from '../../src/core/dtype.ts';
import { maskStream } from '../../src/core/philox.ts';
import type { Elements, KernelOp, Kernels } from '../../src/kernels/kernels.ts';
import { arrangeMatrices } from '../../src/kernels/low-rank.ts';
import { pace } from '../../src/kernels/pace.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { inPieces } from '../../src/kernels/webgpu/pieces.ts';
import { operand, weights } from './elements.ts';

const MEBI = 2 ** 20;
const DROP: KernelOp = {
  kind: 'drop-and-add-scaled',
  scale: 0.7,
  rate: 0.3,
  stream: maskStream(1, 'a'),
};

function watched() {
  const runs: { first: number; length: number }[] = [];
  const seen = ({ bytes, dtype }: Elements, first: number) =>
    runs.push({ first, length: bytes.byteLength / dtypeBytes(dtype) });
  const device: Kernels = {
    backend: 'webgpu',
    parallel: 2,
    async apply(op, inputs, out, first) {
      seen(out, first);
      return referenceKernels.apply(op, inputs, out, first);
    },
    async foldLowRank(base, matrices, first) {
      seen(base, first);
      return referenceKernels.foldLowRank(base, matrices, first);
    },
  };
  return { runs, kernels: inPieces(device, { acrossBytes: MEBI }) };
}

describe('a call', () => {
  test.each<[string, FloatDtype[], FloatDtype, number, number[]]>([
    ['of 4 MiB of bf16 is one run', ['BF16', 'BF16', 'BF16'], 'BF16', 2 * MEBI, [2 * MEBI]],
    ['one element larger is two', ['BF16', 'BF16', 'BF16'], 'BF16', 2 * MEBI + 1, [2 * MEBI, 1]],
    ['is cut by its largest type', ['BF16', 'F32', 'BF16'], 'BF16', 2 * MEBI, [MEBI, MEBI]],
    ['is cut by its largest type, also the result’s', ['BF16', 'BF16', 'BF16'], 'F64', MEBI, [MEBI / 2, MEBI / 2]],
    ['of nothing is one run of nothing', ['F32', 'F32', 'F32'], 'F32', 0, [0]],
  ])('%s', async (_, types, outType, length, lengths) => {
    const { runs, kernels } = watched();
    const make = (dtype: FloatDtype): Elements => ({ dtype, bytes: new Uint8Array(length * dtypeBytes(dtype)) });
    await kernels.apply(
      { kind: 'drop-and-add-scaled', scale: 1, rate: 0, stream: maskStream(1, 'a') },
      types.map(make),
      make(outType),
      7,
    );
    expect(runs.map((run) => run.length)).toEqual(lengths);
    expect(runs.map((run) => run.first)).toEqual(lengths.map((_, i) => 7 + i * lengths[0]!));
  });

  test('in pieces has the bytes, the mask and the counts of a whole one', async () => {
    const { kernels, runs } = watched();
    const length = MEBI + 4099;
    const inputs = [1, 2, 3].map((seed) => weights('F32', length, seed, 1));
    const [expected, got] = [operand('F32', length, 1, 0), operand('F32', length, 2, 3)];
    const counts = referenceKernels.apply(DROP, inputs, expected, 2 ** 34 - 21);
    expect(await kernels.apply(DROP, inputs, got, 2 ** 34 - 21)).toEqual(counts);
    expect(Buffer.compare(got.bytes, expected.bytes)).toBe(0);
    expect(runs.length).toBe(2);
  }, 30_000);

  test('with operands that do not fit is refused before anything runs', async () => {
    const { kernels, runs } = watched();
    const inputs = [weights('F32', 10, 1, 0), weights('F32', 11, 1, 0)];
    await expect(kernels.apply({ kind: 'difference' }, inputs, operand('F32', 10, 1, 0), 0)).rejects.toThrow(
      RangeError,
    );
    expect(runs).toEqual([]);
  });
});

describe('a fold', () => {
  const matricesOf = (rank: number, rows: number, columns: number) =>
    arrangeMatrices(new Float32Array(rank * columns).fill(0.01), new Float32Array(rows * rank).fill(0.3), {
      rank,
      rows,
      columns,
      scale: 0.5,
      transposed: false,
    });

  test('of more than 4 MiB of float32 comes back in one piece', async () => {
    const { kernels, runs } = watched();
    const matrices = matricesOf(2, 600, 2048);
    const base = weights('BF16', 600 * 2048 - 5, 1, 1);
    const folded = await kernels.foldLowRank(base, matrices, 5);
    expect(Buffer.compare(folded.bytes, (await referenceKernels.foldLowRank(base, matrices, 5)).bytes)).toBe(0);
    expect(runs).toEqual([
      { first: 5, length: MEBI },
      { first: 5 + MEBI, length: 600 * 2048 - 5 - MEBI },
    ]);
  }, 30_000);

  test('of narrow lines is cut so that their matrix fits too', async () => {
    const { kernels, runs } = watched();
    const matrices = matricesOf(1023, 2000, 2); // 1024 lines of 1023 numbers and a factor are 4 MiB
    await kernels.foldLowRank(weights('F32', 4000, 1, 0), matrices, 0);
    expect(runs[0]).toEqual({ first: 0, length: 1023 * 2 });
  });

  test('whose matrix the device cannot bind is done in plain loops', async () => {
    const { kernels, runs } = watched();
    const matrices = matricesOf(64, 1, 4097); // 4 * 64 * 4097 bytes are more than 1 MiB
    const base = weights('F32', 100, 1, 0);
    expect(await kernels.foldLowRank(base, matrices, 3)).toEqual(await referenceKernels.foldLowRank(base, matrices, 3));
    expect(runs).toEqual([]);
  });
});

test('the pace counts three operands read and one written, and keeps as many calls under way as the backend likes', async () => {
  let [calls, underWay, most] = [0, 0, 0];
  const sleepy: Kernels = {
    ...referenceKernels,
    parallel: 3,
    async apply() {
      calls++;
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 20));
      underWay--;
      return { changed: 0, unchanged: 0, nonFinite: 0 };
    },
  };
  const start = performance.now();
  const rate = await pace(sleepy, 100);
  const seconds = (performance.now() - start) / 1000;
  expect(most).toBe(3);
  // The call before the clock starts does not count; what is left of the whole time is an upper bound of the time that does.
  expect(rate).toBeGreaterThan(((calls - 1) * 4 * 4 * MEBI) / 1e9 / seconds);
  expect(rate).toBeLessThan((3 * 4 * 4 * MEBI) / 1e9 / 0.015);
});
