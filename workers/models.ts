/** Models on the page's side: they live in a host that can be ended at any moment, which is how a load is cancelled. */

import type { Remote } from 'comlink';
import type { OnProgress } from '../src/core/progress.ts';
import type { FolderDescription } from '../src/files/folder.ts';
import type { MergeRequest } from '../src/merge/recipe/request.ts';
import type { Generation } from '../src/model/generation.ts';
import type { LoadedModel, LoadOptions, ModelWorkerApi } from './model.worker.ts';
import { call, type RunningWorker, startModelWorker } from './start.ts';

export interface Answers {
  /** In the order of the prompts. */
  answers: Generation[];
  tokensPerSecond: number;
}

export interface ModelHost {
  load(folder: FolderDescription, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel>;
  loadMerged(request: MergeRequest, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel>;
  /**
   * A merge whose strength will be set many times, beginning with the request's. On a graphics card its weights and vector stay there and
   * are merged in place; elsewhere each strength is a merge in memory. Where the card is lost it goes on on the CPU, under the same id.
   */
  loadResident(request: MergeRequest, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel>;
  /** The recipe's g of a model that `loadResident` gave; not while it answers. Rejects as loading does; then another may be tried. */
  setStrength(id: number, g: number): Promise<void>;
  /** `onAnswer` is called once per prompt, in the order they finish, always before the promise resolves. */
  generate(
    id: number,
    prompts: string[],
    options: { maxNewTokens: number; batchSize?: number },
    onAnswer: (index: number, answer: Generation) => void,
    signal: AbortSignal,
  ): Promise<Answers>;
  logits(id: number, ids: number[][]): Promise<{ dims: [number, number, number]; data: Float32Array }>;
  release(id: number): Promise<void>;
  /** Ends the worker: the only way to stop a load. The host starts anew at the next call. */
  terminate(): void;
}

/** A place for models to live in: one worker, started at the first call. Models are known by the ids it gives. */
export function openModelHost(): ModelHost {
  let worker: RunningWorker<ModelWorkerApi> | undefined;
  const ask = <T>(question: (api: Remote<ModelWorkerApi>) => Promise<unknown>): Promise<T> => {
    worker ??= startModelWorker();
    return call(worker, question(worker.api) as Promise<T>);
  };
  return {
    load: (folder, options, onProgress) => ask((api) => api.load(folder, options, onProgress)),
    loadMerged: (request, options, onProgress) => ask((api) => api.loadMerged(request, options, onProgress)),
    loadResident: (request, options, onProgress) => ask((api) => api.loadResident(request, options, onProgress)),
    setStrength: (id, g) => ask((api) => api.setStrength(id, g)),
    async generate(id, prompts, options, onAnswer, signal) {
      // A callback travels by another port than the result and may come after it: what is late is told here, once.
      const told = new Set<number>();
      const tell = (index: number, answer: Generation) => {
        if (told.has(index)) return;
        told.add(index);
        onAnswer(index, answer);
      };
      const result = await ask<Answers>((api) => api.generate(id, prompts, options, tell, signal));
      result.answers.forEach((answer, index) => {
        tell(index, answer);
      });
      return result;
    },
    logits: (id, ids) => ask((api) => api.logits(id, ids)),
    release: (id) => ask((api) => api.release(id)),
    terminate: () => {
      worker?.terminate();
      worker = undefined;
    },
  };
}
