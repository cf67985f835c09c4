/** How strong the safety vector is in each tensor: the recipe's g, or that of the first pattern that matches, or its place on a gradient. */

import { isEmbedding, layerOf } from '../../core/names.ts';
import { matchesPattern } from './pattern.ts';
import type { Recipe } from './recipe.ts';

/** One more than the highest layer number; 0 for a model without layers. */
export function layerCount(names: Iterable<string>): number {
  let layers = 0;
  for (const name of names) layers = Math.max(layers, (layerOf(name) ?? -1) + 1);
  return layers;
}

/** False for a tensor that the recipe leaves as the fine-tune has it. */
export function isTouched({ include, exclude }: Pick<Recipe, 'include' | 'exclude'>, name: string): boolean {
  if (exclude?.some((pattern) => matchesPattern(pattern, name))) return false;
  return include === undefined || include.some((pattern) => matchesPattern(pattern, name));
}

/** @param layers of the whole model, for gradients */
export function strengthOf(recipe: Pick<Recipe, 'g' | 'scales'>, name: string, layers: number): number {
  const scale = recipe.scales?.find(({ match }) => matchesPattern(match, name));
  if (!scale) return recipe.g;
  return typeof scale.g === 'number' ? scale.g : onGradient(scale.g, name, layers);
}

/** The embedding counts as the first layer, everything else outside the layers (final norm, head) as the last. */
function onGradient(values: readonly number[], name: string, layers: number): number {
  const last = Math.max(0, layers - 1);
  const layer = layerOf(name) ?? (isEmbedding(name) ? 0 : last);
  const at = last === 0 ? 0 : (Math.min(layer, last) / last) * (values.length - 1);
  const below = Math.floor(at);
  const share = at - below;
  return share === 0 ? values[below]! : values[below]! * (1 - share) + values[below + 1]! * share;
}

/** Patterns that no tensor matches: most likely misspelt. */
export function idlePatterns({ include, exclude, scales }: Recipe, names: readonly string[]): string[] {
  const patterns = [...(include ?? []), ...(exclude ?? []), ...(scales ?? []).map(({ match }) => match)];
  return patterns.filter((pattern) => !names.some((name) => matchesPattern(pattern, name)));
}
