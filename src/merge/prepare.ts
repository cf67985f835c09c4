/** From three folders and a recipe to a plan: opens headers, refuses what does not fit, writes nothing. */

import { isAdapter, openAdapter } from '../files/adapter.ts';
import { openCheckpoint } from '../files/checkpoint.ts';
import { type Folder, openFolder } from '../files/folder.ts';
import { checkCompatible, checkFoldersDiffer, checkWeightsDiffer, type MergeFolders } from './compatibility.ts';
import type { MergeCheckpoints } from './inputs.ts';
import { type MergePlan, planMerge } from './plan.ts';
import { parseRecipe, type Recipe } from './recipe.ts';
import type { MergeRequest } from './request.ts';

/** @throws AppError for everything that recipe, folders, headers and their combination can have wrong */
export async function prepareMerge(request: MergeRequest): Promise<MergePlan> {
  const recipe: Recipe = parseRecipe(request.recipe);
  const { sft, aligned, unaligned } = request.inputs;
  const folders = { sft: openFolder(sft), aligned: openFolder(aligned), unaligned: openFolder(unaligned) };
  await checkFoldersDiffer(folders);
  const checkpoints = await openAll(folders);
  checkCompatible(checkpoints);
  await checkWeightsDiffer(folders, checkpoints);
  return planMerge(recipe, checkpoints);
}

async function openAll(folders: MergeFolders): Promise<MergeCheckpoints> {
  const [sft, aligned, unaligned] = await Promise.all([
    openEither(folders.sft),
    openCheckpoint(folders.aligned),
    openEither(folders.unaligned),
  ]);
  return { sft, aligned, unaligned };
}

async function openEither(folder: Folder) {
  return (await isAdapter(folder)) ? openAdapter(folder) : openCheckpoint(folder);
}
