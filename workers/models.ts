/** Models on the page's side: they live in a host that can be ended at any moment, which is how a load is cancelled. */

import type { Remote } from 'comlink';
import type { OnProgress } from '../src/core/progress.ts';
import type { FolderDescription } from '../src/files/folder.ts';
import type { MergeRequest } from '../src/merge/recipe/request.ts';
import type { OnText } from '../src/model/generate.ts';
import type { Answers, GenerateOptions, Generation, LoadedModel, LoadOptions } from '../src/model/generation.ts';
import type { ModelWorkerApi } from './model.worker.ts';
import { call, type RunningWorker, startModelWorker } from './start.ts';

export interface ModelHost extends Pick<ModelWorkerApi, Asked> {
  load(folder: FolderDescription, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel>;
  loadMerged(request: MergeRequest, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel>;
  /**
   * A merge whose strength will be set many times, beginning with the request's. On a graphics card its weights and vector stay there and
   * are merged in place; elsewhere each strength is a merge in memory. Where the card is lost it goes on on the CPU, under the same id.
   */
  loadResident(request: MergeRequest, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel>;
  /** The recipe's g of a model that `loadResident` gave; not while it answers. Rejects as loading does; then another may be tried. */
  setStrength(id: number, g: number): Promise<void>;
  /**
   * `onAnswer` is called once per prompt, in the order they finish, always before the promise resolves. `onText` is called with the text so
   * far of answers that are growing: at most ten times a second each, never after the answer was told or the promise settled.
   */
  generate(
    id: number,
    prompts: string[],
    options: GenerateOptions,
    onAnswer: (index: number, answer: Generation) => void,
    signal: AbortSignal,
    onText?: OnText,
  ): Promise<Answers>;
  release(id: number): Promise<void>;
  /** Ends the worker: the only way to stop a load. The host starts anew at the next call. */
  terminate(): void;
}

/** These take the id of a model, and what their namesakes of src/model take after it. */
type Asked =
  | 'preview'
  | 'describe'
  | 'generateIds'
  | 'logits'
  | 'continuationScores'
  | 'nextTokenLogProbs'
  | 'perplexity'
  | 'scoreChoices'
  | 'nextTextTokens'
  | 'textPerplexity';

/** A place for models to live in: one worker, started at the first call. Models are known by the ids it gives, and end with it. */
export function openModelHost(): ModelHost {
  let worker: RunningWorker<ModelWorkerApi> | undefined;
  const ask = <T>(question: (api: Remote<ModelWorkerApi>) => Promise<unknown>): Promise<T> => {
    worker ??= started();
    return call(worker, question(worker.api) as Promise<T>);
  };
  /** One that the browser has ended, or that could not start, answers nothing any more: the next call starts another. */
  const started = (): RunningWorker<ModelWorkerApi> => {
    const mine = startModelWorker();
    mine.failed.catch(() => {
      mine.terminate();
      if (worker === mine) worker = undefined;
    });
    return mine;
  };
  return {
    load: (folder, options, onProgress) => ask((api) => api.load(folder, options, onProgress)),
    loadMerged: (request, options, onProgress) => ask((api) => api.loadMerged(request, options, onProgress)),
    loadResident: (request, options, onProgress) => ask((api) => api.loadResident(request, options, onProgress)),
    setStrength: (id, g) => ask((api) => api.setStrength(id, g)),
    async generate(id, prompts, options, onAnswer, signal, onText) {
      // A callback travels by another port than the result and may come after it: what is late is told here, once.
      const told = new Set<number>();
      let settled = false;
      const tell = (index: number, answer: Generation) => {
        if (told.has(index)) return;
        told.add(index);
        onAnswer(index, answer);
      };
      const grow =
        onText &&
        ((index: number, text: string) => {
          if (!settled && !told.has(index)) onText(index, text);
        });
      try {
        const result = await ask<Answers>((api) => api.generate(id, prompts, options, tell, signal, grow));
        result.answers.forEach((answer, index) => {
          tell(index, answer);
        });
        return result;
      } finally {
        settled = true;
      }
    },
    describe: (id) => ask((api) => api.describe(id)),
    preview: (...given) => ask((api) => api.preview(...given)),
    generateIds: (...given) => ask((api) => api.generateIds(...given)),
    logits: (...given) => ask((api) => api.logits(...given)),
    continuationScores: (...given) => ask((api) => api.continuationScores(...given)),
    nextTokenLogProbs: (...given) => ask((api) => api.nextTokenLogProbs(...given)),
    perplexity: (...given) => ask((api) => api.perplexity(...given)),
    scoreChoices: (...given) => ask((api) => api.scoreChoices(...given)),
    nextTextTokens: (...given) => ask((api) => api.nextTextTokens(...given)),
    textPerplexity: (...given) => ask((api) => api.textPerplexity(...given)),
    release: (id) => ask((api) => api.release(id)),
    terminate: () => {
      worker?.terminate();
      worker = undefined;
    },
  };
}
