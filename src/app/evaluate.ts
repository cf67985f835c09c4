/** One model, many prompts: answers, verdicts, rates. The same for the demo, the comparison and the driver. */

import { type JudgedText, judgeText } from '../judge/score.ts';
import type { GenerateOptions, Generation, LoadedModel, StopReason } from '../model/generation.ts';
import type { ModelHost } from './engine.ts';
import type { Prompt } from './prompts.ts';

export interface JudgedAnswer extends JudgedText {
  stopReason: StopReason;
}

export function judge(prompt: Prompt, answer: Generation): JudgedAnswer {
  return { ...judgeText(prompt, answer.text), stopReason: answer.stopReason };
}

/**
 * Waits for a model, uses it, and gives its memory back whatever came of the use.
 * @param ended tells that its host was ended meanwhile, and all models with it
 */
export async function withModel<T>(
  host: ModelHost,
  loading: Promise<LoadedModel>,
  use: (model: LoadedModel) => Promise<T>,
  ended: () => boolean = () => false,
): Promise<T> {
  const model = await loading;
  try {
    return await use(model);
  } finally {
    if (!ended()) await host.release(model.id);
  }
}

export interface Asking extends Pick<GenerateOptions, 'maxNewTokens' | 'template'> {
  /** Told of the answers that are growing, now and then, with all they have so far. */
  onText?: ((prompt: Prompt, text: string) => void) | undefined;
}

/**
 * Greedy answers of a loaded model, judged; told one by one as they finish and given back in the order of the prompts.
 * Rejects with AbortError when `signal` aborts.
 */
export async function evaluate(
  host: ModelHost,
  model: number,
  prompts: readonly Prompt[],
  { onText, ...options }: Asking,
  onAnswer: (prompt: Prompt, answer: JudgedAnswer) => void,
  signal: AbortSignal,
): Promise<JudgedAnswer[]> {
  const texts = prompts.map((prompt) => prompt.prompt);
  const told = (index: number, answer: Generation) => onAnswer(prompts[index]!, judge(prompts[index]!, answer));
  const grows = onText && ((index: number, text: string) => onText(prompts[index]!, text));
  const { answers } = await host.generate(model, texts, options, told, signal, grows);
  return answers.map((answer, index) => judge(prompts[index]!, answer));
}
