/** Scores of texts: a prompt through the chat template, what may follow it as the tokenizer cuts it, and score.ts in between. */

import { AppError } from '../core/errors.ts';
import { mapped } from './breath.ts';
import type {
  ChoiceItem,
  ChoiceScores,
  NextTextTokens,
  Perplexity,
  PerplexityOptions,
  TextScoreOptions,
} from './generation.ts';
import { perplexity } from './perplexity.ts';
import { type ContinuationItem, continuationScores, nextTokenLogProbs } from './score.ts';
import type { Model } from './session.ts';

/**
 * Multiple choice: which of the choices the model would rather answer. Rejects with AppError 'prompts-invalid' (`data.index` of the item),
 * also for one without choices; otherwise as `generate` and `continuationScores` do.
 */
export async function scoreChoices(
  model: Model,
  items: readonly ChoiceItem[],
  options: TextScoreOptions,
  signal: AbortSignal,
): Promise<ChoiceScores[]> {
  const tokenizer = await model.tokenizer();
  const encode = ({ prompt, choices }: ChoiceItem, index: number): ContinuationItem => {
    if (choices.length === 0)
      throw new AppError('prompts-invalid', `Item ${index + 1} has no choices.`, 'Give it at least one.', { index });
    return {
      prompt: tokenizer.encodePrompt(prompt, options.template),
      continuations: choices.map((choice) => tokenizer.encodeContinuation(choice)),
    };
  };
  const encoded = await mapped(items, encode, signal);
  const scores = await continuationScores(model, encoded, options, signal);
  return items.map(({ prompt, choices }, index) => {
    const scored = choices.map((text, choice) => {
      const { logProb, tokens } = scores[index]![choice]!;
      return { text, logProb, tokens };
    });
    const best = scored.reduce((best, { logProb }, i) => (logProb > scored[best]!.logProb ? i : best), 0);
    return { prompt, choices: scored, best };
  });
}

/**
 * How an answer to each prompt would begin: ln P of the first token of every opening, and the likeliest tokens with their texts.
 * Rejects as `generate` and `nextTokenLogProbs` do, with AppError 'prompts-invalid' for an opening without tokens.
 */
export async function nextTextTokens(
  model: Model,
  prompts: readonly string[],
  { openings = [], ...options }: TextScoreOptions & { openings?: readonly string[]; top?: number },
  signal: AbortSignal,
): Promise<NextTextTokens[]> {
  const tokenizer = await model.tokenizer();
  const ids = openings.map((opening, index) => {
    const [first] = tokenizer.encodeContinuation(opening);
    if (first !== undefined) return first;
    throw new AppError('prompts-invalid', `Opening ${index + 1} has no tokens.`, 'Leave it out.', { index });
  });
  const encoded = await mapped(prompts, (prompt) => tokenizer.encodePrompt(prompt, options.template), signal);
  const found = await nextTokenLogProbs(model, encoded, { ...options, ids }, signal);
  return found.map(({ asked, top }) => ({
    asked: asked.map((one, i) => ({ ...one, text: openings[i]! })),
    top: top.map((one) => ({ ...one, text: tokenizer.decode([one.id]) })),
  }));
}

/** Of the text as it is, without a template, with the special tokens that the tokenizer adds to any text. Rejects as `perplexity` does. */
export async function textPerplexity(
  model: Model,
  text: string,
  options: PerplexityOptions,
  signal: AbortSignal,
): Promise<Perplexity> {
  const tokenizer = await model.tokenizer();
  return perplexity(model, tokenizer.encodeText(text), options, signal);
}
