/** Merging off the page's thread: a thin shell around src/merge. One worker per shard at a time; the page's side is client.ts. */

import type { OnProgress } from '../src/core/progress.ts';
import { type FolderDescription, openFolder } from '../src/files/folder.ts';
import { inspectFolder } from '../src/files/inspect.ts';
import type { OutputDescription } from '../src/files/writer.ts';
import { loadKernels } from '../src/kernels/choose.ts';
import type { Backend, Kernels } from '../src/kernels/kernels.ts';
import { discardMerge, finishMerge } from '../src/merge/finish.ts';
import { METHODS, type Method } from '../src/merge/methods.ts';
import type { MergePlan } from '../src/merge/plan.ts';
import { prepareMerge } from '../src/merge/prepare.ts';
import { parseRecipe, type Recipe } from '../src/merge/recipe.ts';
import { recipeFromYaml, recipeToYaml } from '../src/merge/recipe-text.ts';
import type { MergeInputs, MergeRequest } from '../src/merge/request.ts';
import { runShard, type ShardResult } from '../src/merge/run.ts';
import { mergeCard } from './merge-card.ts';
import { serve } from './wire.ts';

export type { Inspection } from '../src/files/inspect.ts';

/** A row of the methods' table without its function, which cannot be posted. */
export type MethodRow = Omit<Method, 'op'>;

let kernels: Promise<Kernels> | undefined;
let kernelsOf: Backend | undefined;

/** Compiled once per worker. */
function kernelsFor(backend: Backend): Promise<Kernels> {
  if (!kernels || kernelsOf !== backend) {
    kernelsOf = backend;
    kernels = loadKernels(backend);
    kernels.catch(() => {
      kernels = undefined; // a failed fetch may work the next time
    });
  }
  return kernels;
}

const api = {
  /** Headers only. Rejects with AppError for a folder that cannot be read at all. */
  inspect: (folder: FolderDescription) => inspectFolder(openFolder(folder)),
  parseRecipe: (value: unknown): Recipe => parseRecipe(value),
  recipeFromYaml,
  recipeToYaml,
  methods: (): MethodRow[] => Object.values(METHODS).map(({ op: _, ...row }) => row),
  /** Headers and samples only; rejects with AppError for every incompatibility. */
  plan: (request: MergeRequest) => prepareMerge(request),
  /** The backend is brought up before anything is written. */
  async runShard(
    plan: MergePlan,
    inputs: MergeInputs,
    shard: number,
    output: OutputDescription,
    options: { backend: Backend; chunkBytes?: number },
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<ShardResult> {
    return runShard(plan, inputs, shard, output, await kernelsFor(options.backend), options, onProgress, signal);
  },
  /** Index, config, tokenizer files, card, merge.json last. */
  finish: (plan: MergePlan, inputs: MergeInputs, output: OutputDescription, results: ShardResult[]) =>
    finishMerge(plan, inputs, output, results, mergeCard(plan, results)),
  /** After a failure or a cancel, when no shard is running any more: nothing of this merge stays. */
  discard: (plan: MergePlan, output: OutputDescription) => discardMerge(plan, output),
};

export type MergeWorkerApi = typeof api;

serve(api);
