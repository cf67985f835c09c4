/** Ids from outside are checked before a session sees them: it would read past its tables. */

import { AppError } from '../core/errors.ts';
import type { Steppable } from './step.ts';

export interface IdsPlace {
  /** How a message calls the row: "Row 3". */
  name: string;
  /** Where it stands, from 0. */
  data: Record<string, number>;
}

/** Throws AppError 'prompts-invalid' for a row without tokens or longer than the model's positions, or with an id outside the vocabulary. */
export function checkIds({ graph }: Pick<Steppable, 'graph'>, ids: readonly number[], { name, data }: IdsPlace): void {
  const { positions } = graph;
  checkVocabulary({ graph }, ids, { name, data });
  if (ids.length >= 1 && ids.length <= positions) return;
  throw new AppError(
    'prompts-invalid',
    ids.length === 0
      ? `${name} has no tokens.`
      : `${name} has ${ids.length} tokens; at most ${positions} fit this model here.`,
    'Shorten it or leave it out.',
    { ...data, tokens: ids.length, positions },
  );
}

/** Throws AppError 'prompts-invalid'. */
export function checkVocabulary({ graph }: Pick<Steppable, 'graph'>, ids: readonly number[], place: IdsPlace): void {
  const { vocabulary } = graph.decoder;
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
  if (wrong === undefined) return;
  throw new AppError(
    'prompts-invalid',
    `${place.name} holds the id ${wrong}; the vocabulary has ${vocabulary}.`,
    "Check that the ids were made with this model's tokenizer.",
    { ...place.data, id: wrong, vocabulary },
  );
}

/** Throws RangeError: a mistake of the caller. */
export function checkCount(name: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1))
    throw new RangeError(`${name} must be a whole number from 1 on, not ${value}`);
}
