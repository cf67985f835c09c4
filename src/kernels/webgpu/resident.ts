/**
 * Weights that stay on the graphics card beside the vector that is added to them, so that another strength costs one dispatch per tensor: no
 * upload, no readback. The merged weights are what a file would hold, read again. Knows buffers and arithmetic; what runs on the
 * buffers, and where the numbers come from, is the caller's affair.
 */

import type { FloatDtype } from '../../core/dtype.ts';
import dtypes from './dtypes.wgsl?raw';
import floats from './floats.wgsl?raw';
import resident from './resident.wgsl?raw';

interface ResidentTensor {
  elements: number;
  /** The first of them, to which the vector is added; the others stay as they are written. */
  combined: number;
  /** What the merged weights are rounded to, as if they had been written to a file. */
  dtype: FloatDtype;
}

export interface ResidentWeights {
  /** float32 of every tensor, what was merged last; one buffer each, good for onnxruntime's inputs. */
  readonly live: ReadonlyMap<string, GPUBuffer>;
  /**
   * A run of one tensor's elements. It may reach over the border of the combined ones, whose numbers are merged by the next `merge`.
   * @param weights float32, little-endian, in the type's own numbers where nothing is added
   * @param vector of the elements among them that are combined; shorter or empty where they are not
   */
  write(name: string, firstElement: number, weights: Uint8Array, vector: Uint8Array): void;
  /**
   * Weights + strength * vector in every tensor, each operation rounded by itself, then to the stored type. Queued when this returns: what is
   * submitted to the device afterwards finds the new weights.
   * @param strengthOf finite in float32; where it is 0 the weights stand as they are
   */
  merge(strengthOf: (name: string) => number): void;
  destroy(): void;
}

const WORKGROUP = 256;
/** The least that every device allows. */
const MOST_WORKGROUPS = 65535;
/** Uniforms of one buffer lie this far apart on every device. */
const UNIFORM_STRIDE = 256;
const PARAMS_WORDS = 4;

/** A tensor with a vector: what its dispatch needs. */
interface Combined {
  name: string;
  elements: number;
  weights: GPUBuffer;
  vector: GPUBuffer;
  pipeline: GPUComputePipeline;
  group: GPUBindGroup;
}

/** All that lies on the device. */
interface Resources {
  live: Map<string, GPUBuffer>;
  combined: Combined[];
  uniforms: GPUBuffer;
  destroy(): void;
}

/**
 * Makes the buffers: 4 bytes per element, and 8 more per combined one. No tensor may be larger than the device's bindings.
 * @throws RangeError where the device has no memory for them, and what it says where it cannot compile
 */
export async function openResidentWeights(
  device: GPUDevice,
  tensors: ReadonlyMap<string, ResidentTensor>,
): Promise<ResidentWeights> {
  const pipelines = await compileAll(device, new Set([...tensors.values()].map(({ dtype }) => dtype)));
  device.pushErrorScope('out-of-memory');
  const { live, combined, uniforms, destroy } = allocate(device, tensors, pipelines);
  const full = await device.popErrorScope();
  if (full) {
    destroy();
    throw new RangeError(full.message);
  }
  const parts = new Map(combined.map((part) => [part.name, part]));
  return {
    live,
    write(name, firstElement, weights, vector) {
      const at = 4 * firstElement;
      const part = parts.get(name);
      const added = part ? vector.byteLength : 0;
      if (part && added > 0) {
        device.queue.writeBuffer(part.weights, at, weights as Uint8Array<ArrayBuffer>, 0, added);
        device.queue.writeBuffer(part.vector, at, vector as Uint8Array<ArrayBuffer>);
      }
      const kept = weights.subarray(added) as Uint8Array<ArrayBuffer>;
      if (kept.byteLength > 0) device.queue.writeBuffer(live.get(name)!, at + added, kept);
    },
    merge(strengthOf) {
      device.queue.writeBuffer(uniforms, 0, paramsOf(combined, strengthOf));
      device.queue.submit([dispatchAll(device, combined)]);
    },
    destroy,
  };
}

function allocate(
  device: GPUDevice,
  tensors: ReadonlyMap<string, ResidentTensor>,
  pipelines: ReadonlyMap<FloatDtype, GPUComputePipeline>,
): Resources {
  const buffers: GPUBuffer[] = [];
  const buffer = (bytes: number, usage: GPUBufferUsageFlags): GPUBuffer => {
    // onnxruntime rounds its own up to 16 bytes, and takes no smaller ones.
    const made = device.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage: usage | GPUBufferUsage.COPY_DST });
    buffers.push(made);
    return made;
  };
  const storage = GPUBufferUsage.STORAGE;
  const live = new Map(
    [...tensors].map(([name, { elements }]) => [name, buffer(4 * elements, storage | GPUBufferUsage.COPY_SRC)]),
  );
  const withVector = [...tensors].filter(([, { combined }]) => combined > 0);
  const uniforms = buffer(UNIFORM_STRIDE * Math.max(1, withVector.length), GPUBufferUsage.UNIFORM);
  const combined = withVector.map(([name, tensor], index): Combined => {
    const weights = buffer(4 * tensor.combined, storage);
    const vector = buffer(4 * tensor.combined, storage);
    const pipeline = pipelines.get(tensor.dtype)!;
    const resources = [
      { buffer: uniforms, offset: index * UNIFORM_STRIDE, size: 4 * PARAMS_WORDS },
      ...[weights, vector, live.get(name)!].map((buffer) => ({ buffer })),
    ];
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return { name, elements: tensor.combined, weights, vector, pipeline, group };
  });
  const destroy = (): void => {
    for (const one of buffers) one.destroy();
  };
  return { live, combined, uniforms, destroy };
}

function dispatchAll(device: GPUDevice, combined: readonly Combined[]): GPUCommandBuffer {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const { pipeline, group, elements } of combined) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    const workgroups = Math.ceil(elements / WORKGROUP);
    const rows = Math.ceil(workgroups / MOST_WORKGROUPS);
    pass.dispatchWorkgroups(Math.ceil(workgroups / rows), rows);
  }
  pass.end();
  return encoder.finish();
}

async function compileAll(
  device: GPUDevice,
  types: ReadonlySet<FloatDtype>,
): Promise<Map<FloatDtype, GPUComputePipeline>> {
  const compile = async (dtype: FloatDtype): Promise<[FloatDtype, GPUComputePipeline]> => {
    // The shader calls the types as we do.
    const module = device.createShaderModule({ code: `${floats}${dtypes}const STORED = ${dtype};\n${resident}` });
    return [dtype, await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })];
  };
  return new Map(await Promise.all([...types].map(compile)));
}

function paramsOf(combined: readonly Combined[], strengthOf: (name: string) => number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array((UNIFORM_STRIDE / 4) * combined.length);
  const floats = new Float32Array(words.buffer);
  combined.forEach(({ name, elements }, index) => {
    const strength = strengthOf(name);
    const at = (UNIFORM_STRIDE / 4) * index;
    words.set([0, elements, 0, strength === 0 ? 0 : 1], at);
    floats[at + 2] = strength;
    if (!Number.isFinite(floats[at + 2])) throw new RangeError(`${strength} is not finite in float32`);
  });
  return words;
}
