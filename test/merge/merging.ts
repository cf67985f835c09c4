/** What the tests of whole merges share: short recipes, one call that merges in memory, folders from disk. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FolderDescription } from '../../src/files/folder.ts';
import type { OutputDescription } from '../../src/files/output/writer.ts';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { prepareMerge } from '../../src/merge/plan/prepare.ts';
import type { Recipe } from '../../src/merge/recipe/recipe.ts';
import type { MergeInputs } from '../../src/merge/recipe/request.ts';
import { finishMerge } from '../../src/merge/run/finish.ts';
import { runShard, type ShardResult } from '../../src/merge/run/run.ts';
import { folderOf } from '../files/build.ts';
import { family, storedTensors } from './family.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const FIXTURES = join(ROOT, 'test/fixtures/files');

export const resta = (g: number, changes: Partial<Recipe> = {}): Recipe => ({
  version: 1,
  method: 'resta',
  g,
  ...changes,
});

export function dare(changes: Partial<Recipe> = {}): Recipe {
  return { version: 1, method: 'resta_d', g: 0.5, p: 0.4, seed: 7, ...changes };
}

/** A signal that nobody aborts. */
export const never = () => new AbortController().signal;
export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A merge in memory, every shard run with the given chunk size. */
export async function merge(
  recipe: Recipe,
  {
    inputs = family(),
    chunkBytes,
    kernels = referenceKernels,
  }: { inputs?: MergeInputs; chunkBytes?: number; kernels?: Kernels } = {},
) {
  const plan = await prepareMerge({ recipe, inputs });
  const output: OutputDescription = { kind: 'memory' };
  const options = chunkBytes === undefined ? {} : { chunkBytes };
  const shards: ShardResult[] = [];
  for (const shard of plan.shards.keys())
    shards.push(await runShard(plan, inputs, shard, output, kernels, options, () => {}, never()));
  const result = await finishMerge(plan, inputs, output, shards);
  return { plan, result, shards, tensors: await storedTensors(result.folder) };
}

/** A folder on disk, read into memory. */
export function loadFolder(path: string): FolderDescription {
  const files = readdirSync(path).map((file) => [file, new Uint8Array(readFileSync(join(path, file)))]);
  return folderOf(path.split('/').at(-1)!, Object.fromEntries(files));
}
