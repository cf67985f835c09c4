/** Models live here: loading, merging in memory to load, answering, scoring. A thin shell; the logic is in src/model and src/merge. */

import type { OnProgress } from '../src/core/progress.ts';
import { type FolderDescription, openFolder } from '../src/files/folder.ts';
import { loadKernels } from '../src/kernels/choose.ts';
import type { Kernels } from '../src/kernels/kernels.ts';
import type { MergeRequest } from '../src/merge/recipe/request.ts';
import { mergeInMemory } from '../src/merge/run/memory.ts';
import { generate } from '../src/model/generate.ts';
import type { Generation, LoadedModel, LoadOptions } from '../src/model/generation.ts';
import { logits } from '../src/model/score.ts';
import { openSoundRuntime } from '../src/model/selftest.ts';
import { loadModel, type Model } from '../src/model/session.ts';
import { serve } from './wire.ts';

export type { LoadedModel, LoadOptions } from '../src/model/generation.ts';

let kernels: Promise<Kernels> | undefined;

const models = new Map<number, Model>();
let lastId = 0;

function modelOf(id: number): Model {
  const model = models.get(id);
  if (model === undefined) throw new Error(`There is no model ${id}: it was released.`);
  return model;
}

async function loadFolder(
  description: FolderDescription,
  options: LoadOptions,
  onProgress: OnProgress,
): Promise<LoadedModel> {
  const begun = performance.now();
  const { runtime, note } = await openSoundRuntime(options.backend, options.threads);
  const model = await loadModel(runtime, openFolder(description), onProgress);
  const id = ++lastId;
  models.set(id, model);
  return {
    id,
    modelType: model.graph.decoder.family,
    backend: runtime.backend,
    ...(note === undefined ? {} : { note }),
    parameters: model.graph.parameters,
    vocabulary: model.graph.decoder.vocabulary,
    seconds: (performance.now() - begun) / 1000,
  };
}

const api = {
  load: loadFolder,
  /** For models small enough to try many strengths: merged in memory, written nowhere. */
  async loadMerged(request: MergeRequest, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel> {
    const begun = performance.now();
    kernels ??= loadKernels('wasm');
    const { folder } = await mergeInMemory(request, await kernels);
    const model = await loadFolder(folder, options, onProgress);
    return { ...model, seconds: (performance.now() - begun) / 1000 };
  },
  generate: (
    id: number,
    prompts: string[],
    options: { maxNewTokens: number; batchSize?: number },
    onAnswer: (index: number, answer: Generation) => void,
    signal: AbortSignal,
  ) => generate(modelOf(id), prompts, options, onAnswer, signal),
  logits: (id: number, ids: number[][]) => logits(modelOf(id), ids),
  async release(id: number): Promise<void> {
    const model = models.get(id);
    models.delete(id);
    await model?.release();
  },
};

export type ModelWorkerApi = typeof api;

serve(api);
