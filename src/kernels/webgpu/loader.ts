/**
 * Brings up the kernels on a WebGPU device: every op, every float type, any length and alignment. Whoever writes files with them first lets
 * probe.ts compare them with the oracle.
 */

import { dtypeBytes } from '../../core/dtype.ts';
import type { Counts, Elements, KernelOp, Kernels } from '../kernels.ts';
import type { LowRankMatrices } from '../low-rank.ts';
import { prepare } from '../operands.ts';
import { FoldMatrices } from './fold-matrices.ts';
import { LANES, Lanes } from './lanes.ts';
import { foldConstants, foldParams, mergeConstants, mergeParams, type Run } from './params.ts';
import { Programs } from './programs.ts';

/** Elements of a workgroup, as in the shaders. */
const MERGED = 1024;
const FOLDED = 256;

/**
 * Calls take operands of at most LANE_BYTES each (pieces.ts cuts larger ones); `out` is written only when a call succeeds.
 * @throws what the device says where it has no memory for the buffers. Calls reject with AppError 'device-lost' from the moment on that the
 *   device is gone or has refused anything.
 */
export async function loadWebgpuKernels(device: GPUDevice): Promise<Kernels> {
  device.pushErrorScope('out-of-memory');
  const lanes = new Lanes(device);
  const full = await device.popErrorScope();
  if (full) throw new Error(full.message);
  const programs = new Programs(device);
  const matricesOf = new FoldMatrices(device);
  let serial = 0;
  const nextRun = (elements: number): Run => {
    serial = (serial + 1) >>> 0;
    return { serial, elements };
  };

  async function apply(op: KernelOp, inputs: readonly Elements[], out: Elements, first: number): Promise<Counts> {
    const { arithmetic, inputs: used } = prepare(op, inputs, out, first);
    const elements = out.bytes.byteLength / dtypeBytes(out.dtype);
    if (elements === 0) return { changed: 0, unchanged: 0, nonFinite: 0 };
    const types = used.map(({ dtype }) => dtype);
    const pipeline = await lanes.alive(programs.pipeline('merge', mergeConstants(arithmetic, types, out.dtype)));
    const { changed, nonFinite } = await lanes.run(() => {
      const run = nextRun(elements);
      return {
        pipeline,
        workgroups: Math.ceil(elements / MERGED),
        serial: run.serial,
        params: mergeParams(run, arithmetic, first),
        uploads: used.map(({ bytes }) => bytes),
        out: out.bytes,
      };
    });
    return { changed, unchanged: elements - changed, nonFinite };
  }

  async function foldLowRank(base: Elements, matrices: LowRankMatrices, first: number): Promise<Elements<'F32'>> {
    const elements = base.bytes.byteLength / dtypeBytes(base.dtype);
    const bytes = new Uint8Array(elements * 4);
    if (elements === 0) return { dtype: 'F32', bytes };
    const pipeline = await lanes.alive(programs.pipeline('fold', foldConstants(base.dtype, matrices)));
    await lanes.run(() => {
      const run = nextRun(elements);
      const { lines, across, factorsAt } = matricesOf.upload(matrices, first, elements);
      return {
        pipeline,
        workgroups: Math.ceil(elements / FOLDED),
        serial: run.serial,
        params: foldParams(run, matrices, first, factorsAt),
        uploads: [base.bytes, lines],
        resident: across,
        out: bytes,
      };
    });
    return { dtype: 'F32', bytes };
  }

  return { backend: 'webgpu', parallel: LANES, apply, foldLowRank };
}
