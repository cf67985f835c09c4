/**
 * Size and date of every file a merge reads, taken when it begins: between two shards, or between two visits, a file may be replaced by
 * another with the same header, which the plan could not tell. Within a shard the browser itself notices.
 */

import { AppError } from '../../core/errors.ts';
import { CONFIG_FILE } from '../../files/checkpoint.ts';
import { openFolder } from '../../files/folder.ts';
import type { MergePlan } from '../plan/plan.ts';
import type { Role } from '../recipe/recipe.ts';
import { type MergeInputs, rolesOf } from '../recipe/request.ts';

export interface InputStamp {
  role: Role;
  file: string;
  size: number;
  /** Milliseconds since 1970; missing for bytes made in memory. */
  modified?: number;
}

/** Weights, config and companions; other files in the folders may come and go. */
export async function stampInputs(plan: MergePlan, inputs: MergeInputs): Promise<InputStamp[]> {
  const stamps = rolesOf(inputs).map(async (role) => {
    const read = new Set([
      CONFIG_FILE,
      ...(plan.inputs[role]?.files ?? []).map(({ file }) => file),
      ...plan.companions.filter((companion) => companion.role === role).map(({ file }) => file),
    ]);
    const entries = await openFolder(inputs[role]!).list();
    return entries
      .filter(({ path }) => read.has(path))
      .map(({ path, size, modified }) => ({
        role,
        file: path,
        size,
        ...(modified === undefined ? {} : { modified }),
      }));
  });
  return (await Promise.all(stamps)).flat();
}

/** @throws AppError 'file-missing' or 'file-changed' for the first file that is not as it was */
export async function checkStamps(stamps: readonly InputStamp[], inputs: MergeInputs): Promise<void> {
  for (const role of rolesOf(inputs)) {
    const folder = openFolder(inputs[role]!);
    for (const { file, size, modified } of stamps.filter((stamp) => stamp.role === role)) {
      const now = await folder.stat(file);
      if (now.size === size && now.modified === modified) continue;
      throw new AppError(
        'file-changed',
        `${file} of ${folder.name} changed since the merge began.`,
        'Put the file back as it was, or discard this merge and start anew.',
        { file, role },
      );
    }
  }
}
