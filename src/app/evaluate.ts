/** One model, many prompts: answers, verdicts, rates. The same for the demo, the comparison and the driver. */

import { type JudgedText, judgeText } from '../judge/score.ts';
import type { Generation, LoadedModel, StopReason } from '../model/generation.ts';
import type { ModelHost } from './engine.ts';
import type { Prompt } from './prompts.ts';

export interface JudgedAnswer extends JudgedText {
  stopReason: StopReason;
}

export function judge(prompt: Prompt, answer: Generation): JudgedAnswer {
  return { ...judgeText(prompt, answer.text), stopReason: answer.stopReason };
}

/** Waits for a model, uses it, and gives its memory back whatever came of the use. */
export async function withModel<T>(
  host: ModelHost,
  loading: Promise<LoadedModel>,
  use: (model: LoadedModel) => Promise<T>,
): Promise<T> {
  const model = await loading;
  try {
    return await use(model);
  } finally {
    await host.release(model.id);
  }
}

/**
 * Greedy answers of a loaded model, judged; told one by one as they finish and given back in the order of the prompts.
 * Rejects with AbortError when `signal` aborts.
 */
export async function evaluate(
  host: ModelHost,
  model: number,
  prompts: readonly Prompt[],
  options: { maxNewTokens: number },
  onAnswer: (prompt: Prompt, answer: JudgedAnswer) => void,
  signal: AbortSignal,
): Promise<JudgedAnswer[]> {
  const texts = prompts.map((prompt) => prompt.prompt);
  const told = (index: number, answer: Generation) => onAnswer(prompts[index]!, judge(prompts[index]!, answer));
  const { answers } = await host.generate(model, texts, options, told, signal);
  return answers.map((answer, index) => judge(prompts[index]!, answer));
}
