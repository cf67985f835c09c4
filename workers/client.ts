/**
 * The page's side of the workers, and the only place that says `new Worker`. Workers start when first needed.
 * Merges spread their shards over several merge workers; models live in a host that can be ended at any moment,
 * which is how a load is cancelled.
 */

import { type Remote, wrap } from 'comlink';
import { cancelled, isCancel } from '../src/core/errors.ts';
import type { OnProgress } from '../src/core/progress.ts';
import type { FolderDescription } from '../src/files/folder.ts';
import type { OutputDescription } from '../src/files/writer.ts';
import type { Backend } from '../src/kernels/kernels.ts';
import type { MergePlan } from '../src/merge/plan.ts';
import type { Recipe } from '../src/merge/recipe.ts';
import type { MergeRequest } from '../src/merge/request.ts';
import type { MergeResult, ShardResult } from '../src/merge/run.ts';
import type { Generation } from '../src/model/generation.ts';
import type { Inspection, MergeWorkerApi, MethodRow } from './merge.worker.ts';
import type { LoadedModel, LoadOptions, ModelWorkerApi } from './model.worker.ts';
import './wire.ts';

interface RunningWorker<Api> {
  api: Remote<Api>;
  /** Rejects when the worker itself fails (a script that does not load, an uncaught error) or is ended. */
  failed: Promise<never>;
  terminate(): void;
}

function start<Api>(worker: Worker): RunningWorker<Api> {
  let fail: (reason: unknown) => void;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // told through Promise.race where somebody waits; never an unhandled rejection
  worker.onerror = (event) => fail(new Error(event.message || 'A worker of this page could not start.'));
  const started: RunningWorker<Api> = {
    api: wrap<Api>(worker),
    failed,
    terminate() {
      running.delete(started);
      worker.terminate();
      fail(cancelled()); // whoever still waits for an answer gets a cancel, not silence
    },
  };
  running.add(started);
  return started;
}

const running = new Set<RunningWorker<unknown>>();
/** Addresses that workers fetched, also those that have ended since. */
const requested = new Set<string>();

async function noteRequests(worker: RunningWorker<unknown>): Promise<void> {
  const { requests } = worker.api as unknown as { requests(): Promise<string[]> };
  const addresses = await call(worker, requests()).catch(() => []); // a worker that ended can tell nothing more
  for (const address of addresses) requested.add(address);
}

/** Addresses of everything the workers of this page fetched so far: the page's own list does not show them. */
export async function workerRequests(): Promise<string[]> {
  await Promise.all([...running].map(noteRequests));
  return [...requested];
}

const startMergeWorker = () =>
  start<MergeWorkerApi>(new Worker(new URL('./merge.worker.ts', import.meta.url), { type: 'module', name: 'merge' }));

const startModelWorker = () =>
  start<ModelWorkerApi>(new Worker(new URL('./model.worker.ts', import.meta.url), { type: 'module', name: 'model' }));

let reader: RunningWorker<MergeWorkerApi> | undefined;

/** One long-lived merge worker answers the quick questions: headers, plans, methods, recipes. */
function askReader<T>(question: (api: Remote<MergeWorkerApi>) => Promise<unknown>): Promise<T> {
  reader ??= startMergeWorker();
  return call(reader, question(reader.api) as Promise<T>);
}

function call<Api, T>(worker: RunningWorker<Api>, answer: Promise<T>): Promise<T> {
  return Promise.race([answer, worker.failed]);
}

/** Reads headers only. Problems that do not stop the reading stand in `problems`; others reject with AppError. */
export const inspectFolder = (folder: FolderDescription): Promise<Inspection> =>
  askReader((api) => api.inspect(folder));

/** Headers only; rejects with AppError for every incompatibility. */
export const planMerge = (request: MergeRequest): Promise<MergePlan> => askReader((api) => api.plan(request));

/** The methods there are, with their parameters, formulas and papers. */
export const methodRows = (): Promise<MethodRow[]> => askReader((api) => api.methods());

/** Rejects with AppError 'recipe-invalid' naming the field. */
export const recipeFromYaml = (text: string): Promise<Recipe> => askReader((api) => api.recipeFromYaml(text));

export const recipeToYaml = (recipe: Recipe): Promise<string> => askReader((api) => api.recipeToYaml(recipe));

export interface MergeOptions {
  backend?: Backend;
  /** Workers to spread the shards over; the bytes written do not depend on it. Default 1. */
  workers?: number;
  /** Bytes of one input read at a time; the bytes written do not depend on it. */
  chunkBytes?: number;
}

/**
 * Plans, merges shard by shard, then writes index, config, card and merge.json last.
 * Rejects with AbortError on cancel and AppError on failure; either way no file is left that looks complete.
 */
export async function runMerge(
  request: MergeRequest,
  output: OutputDescription,
  options: MergeOptions,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<MergeResult> {
  const begun = performance.now();
  const plan = await planMerge(request);
  const backend = options.backend ?? 'wasm';
  // Everything in memory lives in the one worker that made it.
  const count = output.kind === 'memory' ? 1 : Math.max(1, Math.min(options.workers ?? 1, plan.shards.length));
  const workers = Array.from({ length: count }, startMergeWorker);
  // One failure stops the others; the caller's cancel stops all.
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) stop.abort();
  try {
    const total = plan.shards.reduce((bytes, shard) => bytes + shard.bytes, 0);
    const doneByShard = new Map<number, number>();
    const results: ShardResult[] = new Array(plan.shards.length);
    let next = 0;
    let settled = false;
    const drain = async (worker: RunningWorker<MergeWorkerApi>) => {
      while (next < plan.shards.length) {
        if (stop.signal.aborted) throw cancelled();
        const shard = next++;
        const report: OnProgress = (progress) => {
          if (settled) return; // a report may come later than the result
          doneByShard.set(shard, progress.done);
          const done = [...doneByShard.values()].reduce((sum, bytes) => sum + bytes, 0);
          onProgress({ label: progress.label, done, total, unit: 'bytes' });
        };
        const run = worker.api.runShard(
          plan,
          request.inputs,
          shard,
          output,
          options.chunkBytes ? { backend, chunkBytes: options.chunkBytes } : { backend },
          report,
          stop.signal,
        );
        results[shard] = await call(worker, run as Promise<ShardResult>);
      }
    };
    const outcomes = await Promise.allSettled(
      workers.map((worker) =>
        drain(worker).catch((error) => {
          stop.abort();
          throw error;
        }),
      ),
    );
    settled = true;
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    if (failures.length > 0) {
      await workers[0]!.api.discard(plan, output).catch(() => {});
      // A real failure says more than the cancels it caused.
      throw failures.find((error) => !isCancel(error)) ?? failures[0];
    }
    const finished = workers[0]!.api.finish(plan, request.inputs, output, results);
    const result = await call(workers[0]!, finished as Promise<MergeResult>);
    return { ...result, seconds: (performance.now() - begun) / 1000 };
  } finally {
    signal.removeEventListener('abort', onAbort);
    await Promise.all(workers.map(noteRequests));
    for (const worker of workers) worker.terminate();
  }
}

export interface Answers {
  /** In the order of the prompts. */
  answers: Generation[];
  tokensPerSecond: number;
}

export interface ModelHost {
  load(folder: FolderDescription, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel>;
  loadMerged(request: MergeRequest, options: LoadOptions, onProgress: OnProgress): Promise<LoadedModel>;
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
