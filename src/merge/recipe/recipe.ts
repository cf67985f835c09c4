/**
 * A recipe: everything about a merge that is not an input folder. Versioned, so that a saved one keeps its meaning; strict, so that a
 * misspelt field is told and not ignored. The text form (YAML) is in recipe-text.ts.
 */

import * as v from 'valibot';
import { AppError } from '../../core/errors.ts';

/** Which part a folder plays. Always listed in this order. */
export type Role = 'sft' | 'aligned' | 'unaligned' | 'vector';
export const ROLES: readonly Role[] = ['sft', 'aligned', 'unaligned', 'vector'];

const finite = v.pipe(v.number('must be a number'), v.finite('must be finite'));

/** Names of tensors, `*` for any run of characters and `?` for one. Real patterns are a few words. */
const glob = v.pipe(
  v.string('must be a text'),
  v.minLength(1, 'must not be empty'),
  v.maxLength(200, 'must have at most 200 characters'),
);
const globs = v.pipe(v.array(glob, 'must be a list of patterns'), v.maxLength(100, 'must have at most 100 patterns'));

/** What float32 holds: the arithmetic is done in it. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;
const strength = v.pipe(
  finite,
  v.minValue(0, 'must be 0 or more: a negative g would remove safety'),
  v.maxValue(LARGEST, 'is too large a number'),
);

/** Characters of a field's name in messages. */
const MAX_FIELD = 100;

const schema = v.strictObject({
  version: v.literal(1, 'must be 1, the only version there is'),
  method: v.picklist(['resta', 'resta_d'], 'must be resta or resta_d'),
  /** How much of the safety vector is added. Negative values would remove safety; these methods do not take them. */
  g: strength,
  /**
   * Another g where a pattern matches a tensor's name; the first that matches wins. A list of numbers is a gradient: the first is for the
   * first layer, the last for the last one, the others evenly between, and layers between two numbers get their share of both.
   */
  scales: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          match: glob,
          g: v.union(
            [strength, v.pipe(v.array(strength), v.minLength(2), v.maxLength(1000))],
            'must be a number from 0 on, or a list of at least two',
          ),
        }),
        'must be a list of {match, g}',
      ),
      v.maxLength(100, 'must have at most 100 entries'),
    ),
  ),
  /** Only tensors that match are changed; the others are copied from the fine-tune. */
  include: v.optional(globs),
  /** Tensors that match are copied from the fine-tune; wins over `include`. */
  exclude: v.optional(globs),
  /** Rows of the vocabulary that only the fine-tune has: kept as they are (the default), or cut off. */
  vocabulary: v.optional(v.picklist(['keep', 'cut'], 'must be keep or cut')),
  /** What is written: the repaired model (the default), or only the safety vector, to be used again. */
  output: v.optional(v.picklist(['model', 'vector'], 'must be model or vector')),
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
    const field = (v.getDotPath(issue) ?? 'recipe').slice(0, MAX_FIELD); // a field nobody knows may have any name
    throw invalidRecipe(field, reason(issue));
  }
  const { version, method, g, p, seed, scales, include, exclude } = result.output;
  const { vocabulary, output, convention, outputDtype, shardBytes } = result.output;
  if (method === 'resta' && p) throw invalidRecipe('p', 'has no meaning for resta: only resta_d drops weights');
  return {
    version,
    method,
    g,
    ...(method === 'resta_d' && p !== undefined ? { p } : {}),
    ...(method === 'resta_d' && seed !== undefined ? { seed } : {}),
    ...(scales?.length ? { scales } : {}),
    ...(include?.length ? { include } : {}),
    ...(exclude?.length ? { exclude } : {}),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(output === undefined ? {} : { output }),
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
