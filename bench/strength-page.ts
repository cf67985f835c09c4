/**
 * The page's half of the benchmark of another strength: setting it on a model that stays on the graphics card, against building the model
 * anew. Runs the worker's own modules on the page's thread, where the device can be asked when it has finished.
 */

import { demoRequest, loadFamily } from '../src/app/demo.ts';
import { isSoftware, nameOf, requestAdapter } from '../src/kernels/webgpu/device.ts';
import { openResidentWeights, type ResidentWeights } from '../src/kernels/webgpu/resident.ts';
import { openDevice } from '../src/model/device.ts';
import type { ModelBackend } from '../src/model/generation.ts';
import { openRuntime } from '../src/model/runtime.ts';
import { type Held, holdMerged } from '../workers/held.ts';

/** Weights of SmolLM-135M's blocks: hidden 576 with 9 and 3 heads of 64, an MLP of 1536, two norms. It has 30, and a vocabulary of 49152. */
const BLOCK = [...[576 * 576, 576 * 576, 192 * 576, 192 * 576], ...[576 * 1536, 576 * 1536, 576 * 1536], ...[576, 576]];
/** Values that are written again and again: upload is not what is measured. */
const TILE = 1 << 20;

const models = new Map<string, Held>();
let device: GPUDevice | undefined;
let weights: ResidentWeights | undefined;
let source: GPUBuffer | undefined;

/** Whether there is WebGPU at all, and what it calls itself. */
async function adapter(): Promise<string | undefined> {
  const found = await requestAdapter();
  return found && nameOf(found);
}

async function done(backend: ModelBackend): Promise<void> {
  if (backend === 'webgpu') await (await openRuntime('webgpu')).device!.queue.onSubmittedWorkDone();
}

/** Milliseconds to another strength of the built-in fine-tune, ready to answer. */
async function another(backend: ModelBackend, adjustable: boolean, g: number): Promise<number> {
  const key = `${backend} ${adjustable}`;
  let held = models.get(key);
  if (held === undefined) {
    held = await holdMerged(await demoRequest(await loadFamily(), 'sft', 1), { backend }, adjustable, () => {});
    models.set(key, held);
  }
  await done(backend);
  const begun = performance.now();
  await held.setStrength(g);
  await done(backend);
  return performance.now() - begun;
}

/** A model of that shape with made-up weights, on a device of its own; of a software adapter a tenth, which takes seconds. Gives back how many. */
async function openLarge(): Promise<number> {
  const tenth = isSoftware((await requestAdapter())!);
  device = await openDevice();
  const blocks = Array.from({ length: tenth ? 3 : 30 }, () => BLOCK).flat();
  const sizes = [(tenth ? 4915 : 49152) * 576, ...blocks, 576];
  const tensors = sizes.map(
    (elements, i) => [`${i}`, { elements, combined: elements, dtype: 'BF16' as const }] as const,
  );
  weights = await openResidentWeights(device, new Map(tensors));
  const tile = new Uint8Array(Float32Array.from({ length: TILE }, (_, i) => 0.01 + (i % 1000) / 1e5).buffer);
  for (const [name, { elements }] of tensors) {
    for (let first = 0; first < elements; first += TILE) {
      const bytes = tile.subarray(0, 4 * Math.min(TILE, elements - first));
      weights.write(name, first, bytes, bytes);
    }
  }
  const largest = 4 * Math.max(...sizes);
  source = device.createBuffer({ size: largest, usage: GPUBufferUsage.COPY_SRC });
  await device.queue.onSubmittedWorkDone();
  return sizes.reduce((sum, elements) => sum + elements, 0);
}

/** Milliseconds until all of the large model's weights have another strength. */
async function mergeLarge(g: number): Promise<number> {
  const begun = performance.now();
  weights!.merge(() => g);
  await device!.queue.onSubmittedWorkDone();
  return performance.now() - begun;
}

/** The floor: milliseconds until the device has copied as many bytes as there are weights, tensor by tensor. */
async function copyLarge(): Promise<number> {
  const begun = performance.now();
  const encoder = device!.createCommandEncoder();
  for (const live of weights!.live.values()) encoder.copyBufferToBuffer(source!, 0, live, 0, live.size);
  device!.queue.submit([encoder.finish()]);
  await device!.queue.onSubmittedWorkDone();
  return performance.now() - begun;
}

document.head.append(Object.assign(document.createElement('base'), { href: '/' }));
Object.assign(window, { benchStrength: { adapter, another, openLarge, mergeLarge, copyLarge } });
