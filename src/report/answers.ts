/** The row of every table of answers, one answer of one model to one prompt; csv.ts and jsonl.ts write the same fields. */

import type { Verdict } from '../judge/verdict.ts';

export interface AnswerRow {
  /** Of the prompt. */
  id: string;
  /** "harmful", "harmless" or "task". */
  kind: string;
  category?: string;
  prompt: string;
  model: string;
  verdict: Verdict;
  /** What decided the verdict. */
  evidence: string;
  /** The right answer, where there is one. */
  expected?: string;
  /** Exact match; absent where no answer is expected. */
  correct?: boolean;
  answer: string;
  /** How the model was asked, where that was chosen for it; absent where its own chat template was used. */
  template?: string;
}

const FIELDS = [
  'id',
  'kind',
  'category',
  'prompt',
  'model',
  'verdict',
  'evidence',
  'expected',
  'correct',
  'answer',
] as const satisfies readonly (keyof AnswerRow)[];

/** In the order in which they are written; `template` is one only where some row has it. */
export function answerFields(rows: readonly AnswerRow[]): readonly (keyof AnswerRow)[] {
  return rows.some(({ template }) => template !== undefined) ? [...FIELDS, 'template'] : FIELDS;
}
