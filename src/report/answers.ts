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
}

export const ANSWER_FIELDS = [
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
] as const;
