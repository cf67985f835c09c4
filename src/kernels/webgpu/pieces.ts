/** Calls of any size for a backend that takes operands of limited size: cut into runs, several of them under way at once. */

import { dtypeBytes } from '../../core/dtype.ts';
import type { Counts, Elements, KernelOp, Kernels } from '../kernels.ts';
import { foldLowRank, type LowRankMatrices } from '../low-rank.ts';
import { prepare } from '../operands.ts';
import { acrossBytes, foldElements } from './fold-matrices.ts';
import { LANE_BYTES } from './lanes.ts';

/** Runs begin at multiples of this, so that the smallest type makes whole words of them. */
const WHOLE = 1024;

/**
 * @param limits of the device: what lies across the lines of a LoRA must fit one buffer. Where it does not (a rank of hundreds over a
 *   vocabulary), the plain loops do the fold: the bytes are the same.
 */
export function inPieces(kernels: Kernels, limits: { acrossBytes: number }): Kernels {
  async function apply(op: KernelOp, inputs: readonly Elements[], out: Elements, first: number): Promise<Counts> {
    prepare(op, inputs, out, first); // for its checks, before a byte is written
    const length = out.bytes.byteLength / dtypeBytes(out.dtype);
    const counts = await inRuns(length, runLength([...inputs, out]), async (from, to) =>
      kernels.apply(
        op,
        inputs.map((input) => part(input, from, to)),
        part(out, from, to),
        first + from,
      ),
    );
    const total = { changed: 0, unchanged: 0, nonFinite: 0 };
    for (const { changed, unchanged, nonFinite } of counts) {
      total.changed += changed;
      total.unchanged += unchanged;
      total.nonFinite += nonFinite;
    }
    return total;
  }

  async function fold(base: Elements, matrices: LowRankMatrices, first: number): Promise<Elements<'F32'>> {
    const length = base.bytes.byteLength / dtypeBytes(base.dtype);
    const result: Elements<'F32'> = { dtype: 'F32', bytes: new Uint8Array(length * 4) };
    const most = Math.min(foldElements(matrices), runLength([base, result]));
    if (most === 0 || acrossBytes(matrices) > limits.acrossBytes) return foldLowRank(base, matrices, first);
    if (length <= most) return kernels.foldLowRank(base, matrices, first);
    await inRuns(length, most, async (from, to) => {
      const { bytes } = await kernels.foldLowRank(part(base, from, to), matrices, first + from);
      result.bytes.set(bytes, from * 4);
    });
    return result;
  }

  return {
    get backend() {
      return kernels.backend;
    },
    get parallel() {
      return kernels.parallel;
    },
    apply,
    foldLowRank: fold,
  };
}

/** All runs of [0, length), at least one. None is under way any more when it returns or throws. */
async function inRuns<T>(length: number, most: number, run: (from: number, to: number) => Promise<T>): Promise<T[]> {
  const runs: Promise<T>[] = [];
  for (let from = 0; from === 0 || from < length; from += most) {
    runs.push(run(from, Math.min(from + most, length)));
  }
  const ended = await Promise.allSettled(runs);
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

function runLength(operands: readonly Elements[]): number {
  const largest = Math.max(...operands.map(({ dtype }) => dtypeBytes(dtype)));
  return Math.floor(LANE_BYTES / largest / WHOLE) * WHOLE;
}

function part({ dtype, bytes }: Elements, from: number, to: number): Elements {
  const size = dtypeBytes(dtype);
  return { dtype, bytes: bytes.subarray(from * size, to * size) };
}
