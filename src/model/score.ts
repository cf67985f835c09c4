/**
 * How likely a model finds given tokens: continuations of a prompt, for multiple choice; the next token of a prompt, for the log-odds of
 * a refusal; and bare logits, for checking a model against another program. Natural logarithms, summed in float64.
 */

import { AppError } from '../core/errors.ts';
import { descending, logSumExp } from './distribution.ts';
import { DEFAULT_ROWS, type ForwardRow, forward } from './forward.ts';
import type { ContinuationScore, NextTokens, ScoreOptions, TokenLogProb } from './generation.ts';
import { checkCount, checkIds, checkVocabulary } from './ids.ts';
import { emptyCache, releaseCache, runStep, type Steppable } from './step.ts';

export interface ContinuationItem {
  prompt: readonly number[];
  continuations: readonly (readonly number[])[];
}

/**
 * ln P(continuation | prompt) for every continuation of every item, token by token: one row per continuation, but one for all of an item's
 * that differ in their last token only, such as the letters of multiple choice.
 * Rejects with AppError 'prompts-invalid' (`data.index` of the item, `data.continuation`) for an empty prompt or continuation, both together
 * longer than the model's positions, or an id outside the vocabulary; 'runtime-failed'; AbortError after a cancel.
 */
export async function continuationScores(
  model: Steppable,
  items: readonly ContinuationItem[],
  { batchSize = DEFAULT_ROWS }: ScoreOptions,
  signal: AbortSignal,
): Promise<ContinuationScore[][]> {
  checkCount('batchSize', batchSize);
  items.forEach((item, index) => {
    checkItem(model, item, index);
  });
  const perToken = items.map((item) => item.continuations.map((ids) => new Array<number>(ids.length)));
  const rows: (ForwardRow & { tell: ((offset: number, logits: Float32Array, sum: number) => void)[] })[] = [];
  items.forEach(({ prompt, continuations }, index) => {
    const known = new Map<string, (typeof rows)[number]>();
    continuations.forEach((continuation, choice) => {
      const seen = continuation.slice(0, -1); // the last token is predicted, and predicts nothing
      let row = known.get(seen.join());
      if (!row) {
        row = { ids: [...prompt, ...seen], keep: continuation.length, tell: [] };
        known.set(seen.join(), row);
        rows.push(row);
      }
      row.tell.push((offset, logits, sum) => {
        perToken[index]![choice]![offset] = logits[continuation[offset]!]! - sum;
      });
    });
  });
  const use = (row: number, position: number, logits: Float32Array): void => {
    const { ids, keep, tell } = rows[row]!;
    const sum = logSumExp(logits);
    for (const one of tell) one(position - (ids.length - keep), logits, sum);
  };
  await forward(model, rows, batchSize, use, signal);
  return perToken.map((choices) =>
    choices.map((logProbs) => ({
      logProb: logProbs.reduce((sum, one) => sum + one, 0),
      tokens: logProbs.length,
      perToken: logProbs,
    })),
  );
}

function checkItem(model: Steppable, { prompt, continuations }: ContinuationItem, index: number): void {
  checkIds(model, prompt, { name: `The prompt of item ${index + 1}`, data: { index } });
  continuations.forEach((ids, continuation) => {
    const place = { name: `Continuation ${continuation + 1} of item ${index + 1}`, data: { index, continuation } };
    checkVocabulary(model, ids, place);
    if (ids.length === 0) checkIds(model, ids, place);
    const { positions } = model.graph;
    const tokens = prompt.length + ids.length;
    if (tokens <= positions) return;
    throw new AppError(
      'prompts-invalid',
      `${place.name} has ${tokens} tokens together with its prompt; at most ${positions} fit this model here.`,
      'Shorten it or leave it out.',
      { ...place.data, tokens, positions },
    );
  });
}

/**
 * The distribution of the token that comes after each prompt: ln P of the `ids`, in their order, and the `top` likeliest, the likeliest
 * first. Rejects with AppError 'prompts-invalid' as `logits` does; RangeError for a `top` that is no count; AbortError after a cancel.
 */
export async function nextTokenLogProbs(
  model: Steppable,
  prompts: readonly (readonly number[])[],
  { ids = [], top = 0, batchSize = DEFAULT_ROWS }: ScoreOptions & { ids?: readonly number[]; top?: number },
  signal: AbortSignal,
): Promise<NextTokens[]> {
  checkCount('batchSize', batchSize);
  if (!(Number.isInteger(top) && top >= 0)) throw new RangeError(`top must be a whole number from 0 on, not ${top}`);
  checkVocabulary(model, ids, { name: 'The list of ids', data: {} });
  prompts.forEach((prompt, index) => {
    checkIds(model, prompt, { name: `Prompt ${index + 1}`, data: { index } });
  });
  const found: NextTokens[] = new Array(prompts.length);
  const rows = prompts.map((prompt) => ({ ids: prompt, keep: 1 }));
  const use = (row: number, _position: number, logits: Float32Array): void => {
    const sum = logSumExp(logits);
    const logProb = (id: number): TokenLogProb => ({ id, logProb: logits[id]! - sum });
    found[row] = { asked: ids.map(logProb), top: likeliest(logits, top).map(logProb) };
  };
  await forward(model, rows, batchSize, use, signal);
  return found;
}

function likeliest(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  if (count === 0) return ids;
  for (const id of descending(logits)) if (ids.push(id) >= count) break;
  return ids;
}

export interface Logits {
  /** Rows, longest row, vocabulary. */
  dims: [number, number, number];
  /** float32, row-major; positions after the end of a shorter row are 0. */
  data: Float32Array;
}

/**
 * The logits at every position of every row. Rows may differ in length and run one by one, so no row's result depends on another.
 * Rejects with AppError 'prompts-invalid' for an empty or too long row or an id outside the vocabulary.
 */
export async function logits(model: Steppable, rows: readonly (readonly number[])[]): Promise<Logits> {
  const vocabulary = model.graph.decoder.vocabulary;
  rows.forEach((row, index) => {
    checkIds(model, row, { name: `Row ${index + 1}`, data: { index } });
  });
  const longest = Math.max(0, ...rows.map((row) => row.length));
  const data = new Float32Array(rows.length * longest * vocabulary);
  for (const [index, row] of rows.entries()) {
    const output = await runStep(model, {
      ids: row,
      padding: [0],
      total: row.length,
      keep: 0,
      cache: emptyCache(model, 1),
    });
    releaseCache(output.cache);
    data.set(output.logits, index * longest * vocabulary);
  }
  return { dims: [rows.length, longest, vocabulary], data };
}
