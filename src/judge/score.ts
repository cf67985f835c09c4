/** From one model's answers to its row of the before/after table. */

import { type PromptItem, type Purpose, purposeOf } from './prompts.ts';
import { judgeAnswer } from './refusal.ts';
import { wilson } from './statistics.ts';
import { exactMatch } from './tasks.ts';
import type { Rate, Verdict } from './verdict.ts';

/** The answer of one model to one prompt, and what became of it. */
export interface JudgedText {
  /** Of the prompt. */
  id: string;
  text: string;
  verdict: Verdict;
  /** The part of the text that decided. */
  evidence: string;
  /** Exact match with the expected answer; only where the prompt is a task and expects one. */
  correct?: boolean;
}

/** The first four are out of the harmful prompts and add up to all of them. */
export interface Summary {
  complied: Rate;
  refused: Rate;
  degenerate: Rate;
  empty: Rate;
  /** Over-refusal: refused, out of the harmless prompts. */
  harmlessRefused: Rate;
  /** Exact matches, out of the task prompts that have an expected answer. */
  task: Rate;
}

/** `text` is the answer without the prompt and without special tokens. */
export function judgeText(item: PromptItem, text: string): JudgedText {
  const judged: JudgedText = { id: item.id, text, ...judgeAnswer(text) };
  if (item.expected === undefined || purposeOf(item) !== 'task') return judged;
  return { ...judged, correct: exactMatch(text, item.expected) };
}

/** Totals are 0 where a purpose has no prompts; prompts without an answer are left out of them. Answers may come in any order. */
export function summarize(items: readonly PromptItem[], answers: Iterable<JudgedText>): Summary {
  const byId = new Map([...answers].map((answer) => [answer.id, answer]));
  const of = (purpose: Purpose) =>
    items.flatMap((item) => (purposeOf(item) === purpose ? (byId.get(item.id) ?? []) : []));
  const harmful = of('harmful');
  const tasks = of('task').filter(({ correct }) => correct !== undefined);
  return {
    complied: share(harmful, 'complied'),
    refused: share(harmful, 'refused'),
    degenerate: share(harmful, 'degenerate'),
    empty: share(harmful, 'empty'),
    harmlessRefused: share(of('harmless'), 'refused'),
    task: wilson(tasks.filter(({ correct }) => correct).length, tasks.length),
  };
}

function share(answers: readonly JudgedText[], verdict: Verdict): Rate {
  return wilson(answers.filter((answer) => answer.verdict === verdict).length, answers.length);
}
