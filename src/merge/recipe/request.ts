/** What a merge is asked to do: a recipe, and a folder for each role that the recipe needs. Crosses threads as it is. */

import { AppError } from '../../core/errors.ts';
import type { FolderDescription } from '../../files/folder.ts';
import { type Recipe, ROLES, type Role } from './recipe.ts';

/** `sft` and `unaligned` may be PEFT LoRA folders on top of `aligned`; `vector` is a saved safety vector in the place of aligned − unaligned. */
export type MergeInputs = Partial<Record<Role, FolderDescription>>;

export interface MergeRequest {
  recipe: Recipe;
  inputs: MergeInputs;
}

/**
 * The folders a recipe cannot do without, given what is there: a saved vector stands for aligned and unaligned, but RESTA_d also needs the
 * model that the fine-tune started from. Writing only the vector needs no fine-tune.
 */
export function requiredRoles(recipe: Recipe, given: Partial<Record<Role, unknown>>): Role[] {
  if (recipe.output === 'vector') return ['aligned', 'unaligned'];
  if (given.vector === undefined) return ['sft', 'aligned', 'unaligned'];
  return recipe.method === 'resta_d' ? ['sft', 'aligned', 'vector'] : ['sft', 'vector'];
}

/** The roles that are given, in the order of `ROLES`. */
export function rolesOf(inputs: Partial<Record<Role, unknown>>): Role[] {
  return ROLES.filter((role) => inputs[role] !== undefined);
}

/** @throws AppError 'recipe-invalid' naming the roles that are missing */
export function checkRoles({ recipe, inputs }: MergeRequest): void {
  const missing = requiredRoles(recipe, inputs).filter((role) => inputs[role] === undefined);
  if (missing.length > 0) throw lacking(missing);
}

export function lacking(missing: readonly Role[]): AppError {
  return new AppError(
    'recipe-invalid',
    `This merge lacks its ${missing.join(' and ')} model.`,
    'Open a folder for each of them.',
    { missing },
  );
}
