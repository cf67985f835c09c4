/**
 * Brings up the kernels on a WebGPU device: every op, every float type, any length and alignment. Two programs, compiled once; whoever writes
 * files with them first lets probe.ts compare them with the oracle.
 */

import { dtypeBytes } from '../../core/dtype.ts';
import type { Counts, Elements, KernelOp, Kernels } from '../kernels.ts';
import type { LowRankMatrices } from '../low-rank.ts';
import { prepare } from '../operands.ts';
import dtypes from './dtypes.wgsl?raw';
import floats from './floats.wgsl?raw';
import fold from './fold.wgsl?raw';
import { FoldMatrices } from './fold-matrices.ts';
import { LANES, Lanes } from './lanes.ts';
import merge from './merge.wgsl?raw';
import { foldParams, mergeParams } from './params.ts';
import philox from './philox.wgsl?raw';

/** Elements of a workgroup, as in the shaders. */
const MERGED = 1024;
const FOLDED = 256;

/**
 * Calls take operands of at most LANE_BYTES each (pieces.ts cuts larger ones); `out` is written only when a call succeeds.
 * @throws what the device says where it cannot compile the programs or has no memory for the buffers. Calls reject with AppError
 *   'device-lost' from the moment on that the device is gone or has refused anything.
 */
export async function loadWebgpuKernels(device: GPUDevice): Promise<Kernels> {
  device.pushErrorScope('out-of-memory');
  const lanes = new Lanes(device);
  const full = await device.popErrorScope();
  if (full) throw new Error(full.message);
  const [merging, folding] = await Promise.all([
    compile(device, floats + dtypes + philox + merge),
    compile(device, floats + dtypes + fold),
  ]);
  const matricesOf = new FoldMatrices(device);
  let serial = 0;
  const run = (elements: number) => {
    serial = (serial + 1) >>> 0;
    return { serial, elements };
  };

  async function apply(op: KernelOp, inputs: readonly Elements[], out: Elements, first: number): Promise<Counts> {
    const prepared = prepare(op, inputs, out, first);
    const elements = out.bytes.byteLength / dtypeBytes(out.dtype);
    if (elements === 0) return { changed: 0, unchanged: 0, nonFinite: 0 };
    const types = prepared.inputs.map(({ dtype }) => dtype);
    const { changed, nonFinite } = await lanes.run(() => {
      const call = run(elements);
      return {
        pipeline: merging,
        workgroups: Math.ceil(elements / MERGED),
        serial: call.serial,
        params: mergeParams(call, prepared.arithmetic, types, out.dtype, first),
        uploads: prepared.inputs.map(({ bytes }) => bytes),
        out: out.bytes,
      };
    });
    return { changed, unchanged: elements - changed, nonFinite };
  }

  async function foldLowRank(base: Elements, matrices: LowRankMatrices, first: number): Promise<Elements<'F32'>> {
    const elements = base.bytes.byteLength / dtypeBytes(base.dtype);
    const bytes = new Uint8Array(elements * 4);
    if (elements === 0) return { dtype: 'F32', bytes };
    await lanes.run(() => {
      const call = run(elements);
      const { lines, across, factorsAt } = matricesOf.upload(matrices, first, elements);
      return {
        pipeline: folding,
        workgroups: Math.ceil(elements / FOLDED),
        serial: call.serial,
        params: foldParams(call, base.dtype, matrices, first, factorsAt),
        uploads: [base.bytes, lines],
        resident: across,
        out: bytes,
      };
    });
    return { dtype: 'F32', bytes };
  }

  return { backend: 'webgpu', parallel: LANES, apply, foldLowRank };
}

function compile(device: GPUDevice, code: string): Promise<GPUComputePipeline> {
  const module = device.createShaderModule({ code });
  return device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
}
