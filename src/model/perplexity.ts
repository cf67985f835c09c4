/**
 * How surprised a model is by a text: exp of the mean of -ln P(token | those before it), by windows where the text is longer than the context,
 * as in the documentation of transformers ("Perplexity of fixed-length models"). Every token but the first is scored once.
 */

import { AppError } from '../core/errors.ts';
import { logSumExp } from './distribution.ts';
import { DEFAULT_ROWS, forward } from './forward.ts';
import type { Perplexity, PerplexityOptions } from './generation.ts';
import { checkCount, checkVocabulary } from './ids.ts';
import type { Steppable } from './step.ts';

/** Tokens `start` to `end` - 1 are seen, those from `scored` on are scored. */
export interface TextWindow {
  start: number;
  scored: number;
  end: number;
}

/** Windows begin every `stride` tokens; all but the first score only what no earlier one did, with at least window - stride tokens before it. */
export function textWindows(tokens: number, window: number, stride: number): TextWindow[] {
  const windows: TextWindow[] = [];
  for (let start = 0, scored = 1; scored < tokens; start += stride) {
    const end = Math.min(tokens, start + window);
    windows.push({ start, scored, end });
    scored = end;
  }
  return windows;
}

/**
 * Rejects with AppError 'prompts-invalid' for fewer than two tokens or an id outside the vocabulary; RangeError for a window longer
 * than the model's positions or a stride that leaves a window's first token nothing before it; AbortError after a cancel.
 */
export async function perplexity(
  model: Steppable,
  ids: readonly number[],
  { window = model.graph.positions, stride = Math.floor(window / 2), batchSize = DEFAULT_ROWS }: PerplexityOptions,
  signal: AbortSignal,
): Promise<Perplexity> {
  for (const [name, value] of Object.entries({ window, stride, batchSize })) checkCount(name, value);
  if (window > model.graph.positions || stride >= window)
    throw new RangeError(`stride ${stride} < window ${window} <= positions ${model.graph.positions} is not so`);
  checkVocabulary(model, ids, { name: 'The text', data: {} });
  if (ids.length < 2) {
    throw new AppError(
      'prompts-invalid',
      `The text has ${ids.length === 0 ? 'no tokens' : 'one token'}; at least two are needed, since the first is only what the second is predicted from.`,
      'Give a longer text.',
      { tokens: ids.length },
    );
  }
  const windows = textWindows(ids.length, window, stride);
  // The last token of a window is predicted, and predicts nothing.
  const rows = windows.map(({ start, scored, end }) => ({ ids: ids.slice(start, end - 1), keep: end - scored }));
  let logProb = 0;
  const use = (row: number, position: number, logits: Float32Array): void => {
    logProb += logits[ids[windows[row]!.start + position + 1]!]! - logSumExp(logits);
  };
  await forward(model, rows, batchSize, use, signal);
  const tokens = ids.length - 1;
  return { logProb, tokens, perplexity: Math.exp(-logProb / tokens) };
}
