/** Joins two rooms that do not know each other: what merge/ did, as the model card that report/ writes. */

import type { MergePlan } from '../src/merge/plan/plan.ts';
import { PROGRAM } from '../src/merge/program.ts';
import { rolesOf } from '../src/merge/recipe/request.ts';
import { summarize } from '../src/merge/run/finish.ts';
import { formulaOf } from '../src/merge/run/record.ts';
import type { ShardResult } from '../src/merge/run/run.ts';
import { modelCard } from '../src/report/card.ts';

/** The text of README.md of a merge whose shards are all written. */
export function mergeCard(plan: MergePlan, results: readonly ShardResult[]): string {
  const ordered = [...results].sort((a, b) => a.shard - b.shard);
  return modelCard({
    recipe: plan.recipe,
    formula: formulaOf(plan),
    inputs: rolesOf(plan.inputs).map((role) => ({
      role,
      name: plan.inputs[role]!.name,
      kind: plan.inputs[role]!.kind,
    })),
    notes: plan.differences,
    counts: summarize(plan, ordered),
    version: PROGRAM.version,
  });
}
