/** A whole merge in memory, for models small enough to try many strengths: the same plan and the same loop, nothing written to disk. */

import type { FolderDescription } from '../../files/folder.ts';
import type { OutputDescription } from '../../files/output/writer.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { prepareMerge } from '../plan/prepare.ts';
import type { MergeRequest } from '../recipe/request.ts';
import { finishMerge } from './finish.ts';
import { type MergeResult, runShard, type ShardResult } from './run.ts';

/**
 * The folder is a complete model: weights, config, tokenizer files.
 * @throws what `prepareMerge` and `runShard` throw; AbortError on cancel
 */
export async function mergeInMemory(
  request: MergeRequest,
  kernels: Kernels,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ folder: FolderDescription; result: MergeResult }> {
  const plan = await prepareMerge(request);
  const output: OutputDescription = { kind: 'memory' };
  const results: ShardResult[] = [];
  for (const shard of plan.shards.keys()) {
    results.push(await runShard(plan, request.inputs, shard, output, kernels, {}, () => {}, signal));
  }
  const result = await finishMerge(plan, request.inputs, output, results);
  return { folder: result.folder!, result };
}
