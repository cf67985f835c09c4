/** What a merge worker does with a shard: src/merge with the kernels and the hasher of this thread. */

import type { PauseSignal } from '../src/core/pause.ts';
import type { OnProgress } from '../src/core/progress.ts';
import type { OutputDescription } from '../src/files/output/writer.ts';
import type { Backend } from '../src/kernels/kernels.ts';
import type { MergePlan } from '../src/merge/plan/plan.ts';
import type { MergeInputs } from '../src/merge/recipe/request.ts';
import { rehearseShard } from '../src/merge/run/rehearse.ts';
import { checkShard } from '../src/merge/run/resume.ts';
import { runShard, type ShardResult } from '../src/merge/run/run.ts';
import { hasherOfRun, ownHasher } from './hashing.ts';
import { fallbackReason, kernelsFor } from './kernels.ts';

export const shardWork = {
  /** Kernels and hasher are brought up before anything is written. */
  async runShard(
    plan: MergePlan,
    inputs: MergeInputs,
    shard: number,
    output: OutputDescription,
    how: { backend: Backend; chunkBytes?: number },
    onProgress: OnProgress,
    signal: AbortSignal,
    pause: PauseSignal,
  ): Promise<ShardResult> {
    const [kernels, hasher] = await Promise.all([kernelsFor(how.backend), hasherOfRun()]);
    const options = { ...(how.chunkBytes && { chunkBytes: how.chunkBytes }), hasher };
    const result = await runShard(plan, inputs, shard, output, kernels, options, onProgress, signal, pause);
    const fellBack = fallbackReason();
    return fellBack === undefined ? result : { ...result, fellBack };
  },
  /** Bytes of output within the time, were they written. */
  rehearse: async (plan: MergePlan, inputs: MergeInputs, shard: number, backend: Backend, milliseconds: number) =>
    rehearseShard(plan, inputs, shard, await kernelsFor(backend), milliseconds),
  checkShard: async (
    plan: MergePlan,
    output: OutputDescription,
    result: ShardResult,
    onProgress: OnProgress,
    signal: AbortSignal,
    pause: PauseSignal,
  ): Promise<boolean> => checkShard(plan, output, result, onProgress, signal, pause, await ownHasher()),
};
