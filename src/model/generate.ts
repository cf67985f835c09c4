/** Questions in, answers out: chat template, greedy decoding, text. */

import { AppError } from '../core/errors.ts';
import type { Generation } from './generation.ts';
import { type GreedyAnswer, greedy } from './greedy.ts';
import type { Model } from './session.ts';

export interface GenerateOptions {
  maxNewTokens: number;
  batchSize?: number;
}

export interface Answers {
  /** In the order of the prompts. */
  answers: Generation[];
  /** New tokens per second over the whole run, stop tokens included; 0 for no prompts. */
  tokensPerSecond: number;
}

/** Tokens/s of the built-in family on one thread in batches of 1, 8, 16, 32, 64, 128: 1600, 3100, 2700, 3200, 3200, 2900 (bench/model). */
const DEFAULT_BATCH = 32;

/**
 * `onAnswer` is called once per prompt as soon as its answer ends, in any order.
 * Rejects with AppError 'tokenizer-missing', 'tokenizer-invalid', 'template-missing', 'prompts-invalid' (a prompt longer than the model's
 * positions), 'runtime-failed'; with AbortError after a cancel.
 */
export async function generate(
  model: Model,
  prompts: readonly string[],
  options: GenerateOptions,
  onAnswer: (index: number, answer: Generation) => void,
  signal: AbortSignal,
): Promise<Answers> {
  const { maxNewTokens, batchSize = DEFAULT_BATCH } = options;
  if (!(batchSize >= 1) || !(maxNewTokens >= 1))
    throw new RangeError(`batchSize ${batchSize}, maxNewTokens ${maxNewTokens}`);
  const tokenizer = await model.tokenizer();
  const begun = performance.now();
  const encoded = prompts.map((prompt) => tokenizer.encodePrompt(prompt));
  checkLengths(encoded, model.graph.positions);
  const stopTokens = new Set(model.stopTokens);
  if (tokenizer.endOfText !== undefined) stopTokens.add(tokenizer.endOfText);

  const answers: Generation[] = new Array(prompts.length);
  const tell = (index: number, { tokens, stopReason }: GreedyAnswer): void => {
    const answer = { prompt: prompts[index]!, text: tokenizer.decode(tokens), tokens, stopReason };
    answers[index] = answer;
    onAnswer(index, answer);
  };
  const made = await greedy(model, encoded, { maxNewTokens, batchSize, stopTokens }, tell, signal);
  return { answers, tokensPerSecond: made === 0 ? 0 : (1000 * made) / (performance.now() - begun) };
}

function checkLengths(encoded: readonly number[][], positions: number): void {
  encoded.forEach((ids, index) => {
    if (ids.length >= 1 && ids.length <= positions) return;
    throw new AppError(
      'prompts-invalid',
      ids.length === 0
        ? `Prompt ${index + 1} has no tokens.`
        : `Prompt ${index + 1} has ${ids.length} tokens; at most ${positions} fit this model here.`,
      'Shorten this prompt or leave it out.',
      { index, tokens: ids.length, positions },
    );
  });
}
