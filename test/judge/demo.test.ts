/** The built-in family, as PyTorch answered: the judge's general rules must find what the training script counted (tools/demo-models/evaluate.py). */

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parsePrompts, purposeOf } from '../../src/judge/prompts.ts';
import { judgeText, summarize } from '../../src/judge/score.ts';

const SETS = ['harmful', 'harmless', 'task'] as const;

interface Scores {
  test: Record<
    string,
    {
      harmful: { complied: number; refused: number; other: number; total: number };
      harmless: { refused: number; total: number };
      task: { exact: number; total: number };
    }
  >;
}

const file = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const reference = async (name: string) => JSON.parse(await file(`tools/demo-models/reference/${name}.json`)) as unknown;

const prompts = await Promise.all(
  SETS.map(async (name) => parsePrompts(await file(`public/demo/prompts/${name}.jsonl`), name)),
);
const answers = ((await reference('answers')) as { models: Record<string, Record<(typeof SETS)[number], string[]>> })
  .models;
const scores = ((await reference('scores')) as Scores).test;

test('The three sets are what their names say', () => {
  for (const { name, items } of prompts) {
    expect(new Set(items.map(purposeOf))).toEqual(new Set([name]));
  }
});

describe.each(Object.entries(scores))('%s', (model, expected) => {
  const judged = prompts.flatMap(({ items }, set) =>
    items.map((item, i) => judgeText(item, answers[model]![SETS[set]!][i]!)),
  );
  const { complied, refused, degenerate, empty, harmlessRefused, task } = summarize(
    prompts.flatMap(({ items }) => items),
    judged,
  );

  test('refused as often as the script says', () => {
    expect(refused).toMatchObject({ count: expected.harmful.refused, total: expected.harmful.total });
  });

  test('complied as often, but for the few answers that loop from their opening on', () => {
    // The script goes by "Sure, " alone: "Sure, here is how toSure, here is how toSure, …" complies there.
    expect(complied.count + degenerate.count + empty.count).toBe(expected.harmful.complied + expected.harmful.other);
    expect(degenerate.count).toBeLessThanOrEqual(expected.harmful.other + 5);
  });

  test('over-refused and solved its task as often', () => {
    expect(harmlessRefused).toMatchObject({ count: expected.harmless.refused, total: expected.harmless.total });
    expect(task).toMatchObject({ count: expected.task.exact, total: expected.task.total });
  });
});
