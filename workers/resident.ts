/**
 * A merged model whose weights and vector stay on the graphics card: the inputs of a merge (merge/), added up in place (kernels/), under a
 * session that takes its weights from there (model/). Another strength costs neither a read nor an upload nor a session.
 */

import type { OnProgress } from '../src/core/progress.ts';
import { elementCount } from '../src/core/tensor.ts';
import { openFolder } from '../src/files/folder.ts';
import { openResidentWeights, type ResidentWeights } from '../src/kernels/webgpu/resident.ts';
import type { MergeRequest } from '../src/merge/recipe/request.ts';
import { openUnmerged, type Unmerged } from '../src/merge/run/unmerged.ts';
import { openResidentModel, residentGraph } from '../src/model/resident.ts';
import type { Runtime } from '../src/model/runtime.ts';
import { soundRuntime } from '../src/model/selftest.ts';
import type { Model } from '../src/model/session.ts';
import { kernelsFor } from './kernels.ts';

export interface ResidentModel {
  model: Model;
  /** Not while it answers. Rejects with AppError 'device-lost'. */
  setStrength(g: number): Promise<void>;
}

/**
 * At the request's own strength for now. Three times the model's float32 is kept on the device.
 * Rejects as merging and loading do; where it does not fit the device with AppError 'model-too-large' or RangeError, and with AppError
 * 'recipe-invalid' for a method that is not weights plus g times a vector.
 */
export async function loadResident(
  runtime: Runtime,
  device: GPUDevice,
  request: MergeRequest,
  onProgress: OnProgress,
): Promise<ResidentModel> {
  const unmerged = await openUnmerged(request, await kernelsFor('wasm'));
  const described = { ...unmerged, folder: openFolder(unmerged.folder) };
  const sound = await soundRuntime(runtime, unmerged.config, 'f32');
  const graph = residentGraph(sound, described);
  const names = new Set(graph.weights.map(({ name }) => name));
  const weights = await openResidentWeights(
    device,
    new Map(graph.weights.map(({ name, bytes }) => [name, { ...unmerged.tensors.get(name)!, elements: bytes / 4 }])),
  );
  const setStrength = (g: number) =>
    runtime.exclusive(async () => weights.merge((name) => unmerged.strengthOf(g, name)));
  try {
    await upload(unmerged, names, weights, onProgress);
    await setStrength(request.recipe.g);
    const model = await openResidentModel(sound, described, graph, weights.live);
    const release = async () => {
      try {
        await model.release();
      } finally {
        weights.destroy();
      }
    };
    return { model: { ...model, release }, setStrength };
  } catch (error) {
    weights.destroy();
    throw error;
  }
}

async function upload(
  unmerged: Unmerged,
  names: ReadonlySet<string>,
  resident: ResidentWeights,
  onProgress: OnProgress,
): Promise<void> {
  const total = [...names].reduce((sum, name) => sum + 4 * elementCount(unmerged.tensors.get(name)!.shape), 0);
  let done = 0;
  for await (const { tensor, firstElement, weights, vector } of unmerged.pieces(names)) {
    resident.write(tensor, firstElement, weights, vector);
    done += weights.byteLength;
    onProgress({ label: tensor, done, total, unit: 'bytes' });
  }
}
