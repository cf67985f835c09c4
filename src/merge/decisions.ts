/**
 * What becomes of every tensor: combined, copied, or part of each (the words that only the fine-tune knows). Pure; made from headers and the
 * recipe. The plan turns decisions into byte ranges, and the report of differences tells them to people.
 */

import { isFloatDtype } from '../core/dtype.ts';
import { elementCount, type TensorInfo } from '../core/tensor.ts';
import { type MergeCheckpoints, modelOf, tensorsOf } from './inputs.ts';
import { appliedMethod } from './methods.ts';
import { isBuffer, isEmbedding, isHead, isVocabulary } from './names.ts';
import type { Recipe, Role } from './recipe.ts';
import { isTouched, layerCount, strengthOf } from './strength.ts';

/** Why a tensor is copied whole. */
export type CopyReason =
  /** Positions, masks, counters. */
  | 'integer'
  | 'buffer'
  /** By the recipe's include and exclude. */
  | 'excluded'
  /** Another model does not have it. */
  | 'missing'
  /** Its shape is another one elsewhere; only while the report is made, never in a plan. */
  | 'shape';

export interface Decision {
  /** As the fine-tune (for a vector: the aligned model) has it. */
  tensor: TensorInfo;
  /** As it is written, but for the dtype. */
  shape: number[];
  copied?: CopyReason;
  /** Of the first `combined` elements; the rest is copied. 0 when `copied`. */
  combined: number;
  g: number;
  /** The tensor's name in each other role that takes part; a tied head is its embedding. */
  names: Partial<Record<Role, string>>;
  /** The roles that lack it, or have it in another shape. */
  lacking: Role[];
}

/** The role that gives names, shapes and order to the output. */
export function leadOf(recipe: Pick<Recipe, 'output'>): Role {
  return recipe.output === 'vector' ? 'aligned' : 'sft';
}

/** The roles whose weights the arithmetic reads, the lead first. A saved vector takes the place of the two models behind it. */
export function operandsOf(recipe: Recipe, checkpoints: MergeCheckpoints): Role[] {
  if (recipe.output === 'vector') return ['aligned', 'unaligned'];
  return appliedMethod(recipe).operands(checkpoints.vector !== undefined);
}

export function decideAll(recipe: Recipe, checkpoints: MergeCheckpoints): Decision[] {
  const lead = leadOf(recipe);
  const others = operandsOf(recipe, checkpoints).filter((role) => role !== lead);
  const tensors = [...tensorsOf(checkpoints, lead).values()];
  const layers = layerCount(tensors.map(({ name }) => name));
  return tensors.map((tensor) => decide(tensor, recipe, checkpoints, others, layers));
}

function decide(
  tensor: TensorInfo,
  recipe: Recipe,
  checkpoints: MergeCheckpoints,
  others: readonly Role[],
  layers: number,
): Decision {
  const names: Partial<Record<Role, string>> = {};
  const lacking: Role[] = [];
  let rows = tensor.shape[0] ?? 1;
  let reason: CopyReason | undefined;
  if (!isFloatDtype(tensor.dtype)) reason = 'integer';
  else if (isBuffer(tensor)) reason = 'buffer';
  else if (!isTouched(recipe, tensor.name)) reason = 'excluded';
  for (const role of others) {
    const name = counterpart(checkpoints, role, tensor.name);
    const found = name === undefined ? undefined : tensorsOf(checkpoints, role).get(name);
    if (!found || (!isFloatDtype(found.dtype) && reason === undefined)) {
      // A vector holds only what is not zero: what it lacks it leaves alone.
      lacking.push(role);
      if (role !== 'vector' || appliedMethod(recipe).id === 'resta') reason ??= 'missing';
      continue;
    }
    names[role] = found.name;
    const shared = sharedRows(tensor, found);
    if (shared === undefined) {
      lacking.push(role);
      reason ??= 'shape';
    } else {
      rows = Math.min(rows, shared);
    }
  }
  const shape =
    recipe.vocabulary === 'cut' && isVocabulary(tensor.name) ? [rows, ...tensor.shape.slice(1)] : tensor.shape;
  const combined = reason ? 0 : elementCount(tensor.shape.length === 0 ? [] : [rows, ...tensor.shape.slice(1)]);
  const g = strengthOf(recipe, tensor.name, layers);
  return { tensor, shape: [...shape], ...(reason ? { copied: reason } : {}), combined, g, names, lacking };
}

/** How many leading rows two tensors share: all where the shapes are equal, the shorter where only the vocabularies differ. */
function sharedRows(a: TensorInfo, b: TensorInfo): number | undefined {
  if (a.shape.length !== b.shape.length) return undefined;
  const tail = (shape: readonly number[]) => shape.slice(1).join();
  if (tail(a.shape) !== tail(b.shape)) return undefined;
  const [rows = 1, others = 1] = [a.shape[0], b.shape[0]];
  if (rows === others) return rows;
  return isVocabulary(a.name) ? Math.min(rows, others) : undefined;
}

/** Under what name another role holds a tensor: its own, or for a head that is tied there, the embedding it is tied to. */
export function counterpart(checkpoints: MergeCheckpoints, role: Role, name: string): string | undefined {
  const tensors = tensorsOf(checkpoints, role);
  if (tensors.has(name)) return name;
  if (!isHead(name) || !name.endsWith('.weight') || !isTied(checkpoints, role)) return undefined;
  return [...tensors.keys()].find(isEmbedding);
}

/** transformers ties head and embedding unless the config says otherwise, in every family that leaves the head out of its files. */
export function isTied(checkpoints: MergeCheckpoints, role: Role): boolean {
  const { config } = modelOf(checkpoints, role);
  const hasHead = [...tensorsOf(checkpoints, role).keys()].some((name) => isHead(name) && name.endsWith('.weight'));
  return config.tie_word_embeddings === true || (config.tie_word_embeddings === undefined && !hasHead);
}
