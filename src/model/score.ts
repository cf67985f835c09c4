/** Logits of given tokens, for scoring and for checking a model against another program. */

import { AppError } from '../core/errors.ts';
import { emptyCache, releaseCache, runStep, type Steppable } from './step.ts';

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
    checkRow(row, index, vocabulary, model.graph.positions);
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

function checkRow(row: readonly number[], index: number, vocabulary: number, positions: number): void {
  const wrong = row.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
  if (row.length >= 1 && row.length <= positions && wrong === undefined) return;
  throw new AppError(
    'prompts-invalid',
    wrong === undefined
      ? `Row ${index + 1} has ${row.length} tokens; 1 to ${positions} fit.`
      : `Row ${index + 1} holds the id ${wrong}; the vocabulary has ${vocabulary}.`,
    "Check that the ids were made with this model's tokenizer.",
    { index, tokens: row.length, positions, vocabulary },
  );
}
