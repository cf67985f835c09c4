/** Whether a model's output head is its embedding. Files do not say so: transformers leaves a tied head out of them. */

import { isHead } from '../core/names.ts';
import type { JsonObject } from './json.ts';

/** Heads of other tasks: a model that has one leaves out its language head because it has none. */
const OTHER_HEAD = /(?:^|\.)(?:score|classifier|qa_outputs)\./;

/** By the config's word, or where it has none, by the head's absence. @param names of the model's tensors */
export function tiesHead(config: JsonObject, names: Iterable<string>): boolean {
  const all = [...names];
  if (all.some((name) => OTHER_HEAD.test(name))) return false;
  const { tie_word_embeddings: tied } = config;
  return tied === true || (tied === undefined && !all.some((name) => isHead(name) && name.endsWith('.weight')));
}
