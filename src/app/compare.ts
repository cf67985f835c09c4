/** The same prompts to several models with the same decoding, judged side by side. Free of any view: the driver calls it too. */

import { cancelled } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import type { FolderDescription } from '../files/folder.ts';
import { type PromptSet, purposeOf } from '../judge/prompts.ts';
import { type Summary, summarize } from '../judge/score.ts';
import type { MergeRequest } from '../merge/recipe/request.ts';
import type { LoadedModel, ModelBackend } from '../model/generation.ts';
import { answersCsv } from '../report/csv.ts';
import { answersJsonl } from '../report/jsonl.ts';
import { type ModelHost, modelHost } from './engine.ts';
import { evaluate, type JudgedAnswer, withModel } from './evaluate.ts';
import type { Prompt } from './prompts.ts';

/** A folder as it is, or what a merge of three folders would give: that one is merged in memory and never written. */
export type ModelSource = FolderDescription | { kind: 'merge'; name: string; request: MergeRequest };

export interface ComparedModel extends Summary {
  name: string;
}

export interface ComparedRow extends Prompt {
  /** In the order of the models. */
  answers: JudgedAnswer[];
}

export interface Comparison {
  models: string[];
  rows: ComparedRow[];
  summary: ComparedModel[];
}

export interface CompareOptions {
  backend?: ModelBackend;
  maxNewTokens: number;
  host?: ModelHost;
  /** Told for every answer, with the position of its model. */
  onAnswer?: (model: number, prompt: Prompt, answer: JudgedAnswer) => void;
}

export function promptsOf(set: PromptSet): Prompt[] {
  return set.items.map(({ id, prompt, category, expected, ...item }) => ({
    id,
    prompt,
    kind: purposeOf({
      id,
      prompt,
      ...(category !== undefined && { category }),
      ...(expected !== undefined && { expected }),
      ...item,
    }),
    ...(category !== undefined && { category }),
    ...(expected !== undefined && { expected }),
  }));
}

/** "merged", "merged (2)": the same folder name may come from two places. */
export function distinctNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name} (${times})`;
  });
}

function loadSource(host: ModelHost, source: ModelSource, backend: ModelBackend): Promise<LoadedModel> {
  const ignore = () => {};
  if (source.kind === 'merge') return host.loadMerged(source.request, { backend }, ignore);
  return host.load(source, { backend }, ignore);
}

/** One model after the other, so that two never share the memory. Rejects with AppError or AbortError. */
export async function compareModels(
  sources: readonly ModelSource[],
  set: PromptSet,
  options: CompareOptions,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Comparison> {
  const prompts = promptsOf(set);
  const host = options.host ?? (await modelHost());
  const names = distinctNames(sources.map((source) => source.name));
  const total = prompts.length * sources.length;
  const answers: JudgedAnswer[][] = [];
  let done = 0;
  for (const [index, source] of sources.entries()) {
    if (signal.aborted) throw cancelled();
    const told = (prompt: Prompt, answer: JudgedAnswer) => {
      options.onAnswer?.(index, prompt, answer);
      onProgress({ label: names[index]!, done: ++done, total, unit: 'prompts' });
    };
    onProgress({ label: names[index]!, done, total, unit: 'prompts' });
    const loading = loadSource(host, source, options.backend ?? 'wasm');
    const ask = ({ id }: LoadedModel) =>
      evaluate(host, id, prompts, { maxNewTokens: options.maxNewTokens }, told, signal);
    answers.push(await withModel(host, loading, ask));
  }
  return {
    models: names,
    rows: prompts.map((prompt, row) => ({ ...prompt, answers: answers.map((ofModel) => ofModel[row]!) })),
    summary: names.map((name, index) => ({ name, ...summarize(prompts, answers[index]!) })),
  };
}

/** The files of a comparison by name: every answer as CSV and as JSON lines, and the rates. */
export function comparisonFiles({ models, rows, summary }: Comparison): Record<string, string> {
  const answers = rows.flatMap(({ answers: given, ...prompt }) =>
    given.map(({ text, verdict, evidence, correct }, model) => ({
      ...prompt,
      model: models[model]!,
      verdict,
      evidence,
      ...(correct !== undefined && { correct }),
      answer: text,
    })),
  );
  return {
    'answers.csv': answersCsv(answers),
    'answers.jsonl': answersJsonl(answers),
    'summary.json': `${JSON.stringify({ version: 1, models: summary }, null, 2)}\n`,
  };
}
