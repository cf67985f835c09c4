/**
 * A recipe: everything about a merge that is not an input folder. Versioned, so that a saved one keeps its meaning; strict, so that a
 * misspelt field is told and not ignored. The text form (YAML) is in recipe-text.ts.
 */

import * as v from 'valibot';
import { AppError } from '../core/errors.ts';

/** Which part a folder plays. Always listed in this order. */
export type Role = 'sft' | 'aligned' | 'unaligned';
export const ROLES: readonly Role[] = ['sft', 'aligned', 'unaligned'];

const finite = v.pipe(v.number('must be a number'), v.finite('must be finite'));

const schema = v.strictObject({
  version: v.literal(1, 'must be 1, the only version there is'),
  method: v.picklist(['resta', 'resta_d'], 'must be resta or resta_d'),
  /** How much of the safety vector is added. Negative values would remove safety; these methods do not take them. */
  g: v.pipe(finite, v.minValue(0, 'must be 0 or more: a negative g would remove safety')),
  /** resta_d: the share of the fine-tune's changes that is dropped. */
  p: v.optional(v.pipe(finite, v.minValue(0, 'must be 0 or more'), v.ltValue(1, 'must be less than 1'))),
  /** resta_d: which changes are dropped. */
  seed: v.optional(v.pipe(v.number('must be a number'), v.safeInteger('must be a whole number'))),
  /** What `unaligned` is, which changes what the safety vector means; only told, never computed with. */
  convention: v.optional(
    v.picklist(
      ['harm-tuned', 'pre-alignment', 'adapter-negation'],
      'must be harm-tuned, pre-alignment or adapter-negation',
    ),
  ),
  outputDtype: v.optional(v.picklist(['same', 'F32', 'F16', 'BF16'], 'must be same, F32, F16 or BF16')),
  shardBytes: v.optional(
    v.pipe(v.number('must be a number'), v.safeInteger('must be a whole number'), v.minValue(1, 'must be 1 or more')),
  ),
});

/** Plain data. Fields left out take the defaults of the method's row (methods.ts) and of plan.ts. */
export type Recipe = v.InferOutput<typeof schema>;
export type MethodId = Recipe['method'];
export type Convention = NonNullable<Recipe['convention']>;

/**
 * Checks anything and gives back a recipe whose fields stand in a fixed order and are all used: resta keeps neither p nor seed.
 * @throws AppError 'recipe-invalid' naming the field
 */
export function parseRecipe(value: unknown): Recipe {
  // Valibot takes lists for objects.
  const result = v.safeParse(schema, Array.isArray(value) ? undefined : value);
  if (!result.success) {
    const issue = result.issues[0];
    const field = v.getDotPath(issue) ?? 'recipe';
    throw invalidRecipe(field, reason(issue));
  }
  const { version, method, g, p, seed, convention, outputDtype, shardBytes } = result.output;
  if (method === 'resta' && p) throw invalidRecipe('p', 'has no meaning for resta: only resta_d drops weights');
  return {
    version,
    method,
    g,
    ...(method === 'resta_d' && p !== undefined ? { p } : {}),
    ...(method === 'resta_d' && seed !== undefined ? { seed } : {}),
    ...(convention === undefined ? {} : { convention }),
    ...(outputDtype === undefined ? {} : { outputDtype }),
    ...(shardBytes === undefined ? {} : { shardBytes }),
  };
}

export function invalidRecipe(field: string, reason: string): AppError {
  return new AppError(
    'recipe-invalid',
    `The recipe cannot be used: ${field} ${reason}.`,
    `Correct ${field} in the recipe.`,
    { field },
  );
}

/** Valibot's own words serve only where ours are missing: unknown and missing fields, and things that are no object. */
function reason(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object') {
    if (issue.expected === 'never') return 'is not a field of a recipe';
    if (issue.input === undefined && issue.path) return 'is missing';
    return 'is not a recipe: it must be a set of named fields';
  }
  return issue.message;
}
