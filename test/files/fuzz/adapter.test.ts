import { expect, test } from 'vitest';
import { generate, run } from './adapter.ts';
import { seeded } from './outcome.ts';

const CASES = Number(process.env.CASES ?? 1000);

test(`${CASES} hostile adapters are each read or refused with an AppError`, async () => {
  const random = seeded(20240402);
  const outcomes = new Map<string, number>();
  for (let i = 0; i < CASES; i++) {
    const result = await run(generate(random));
    outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
  }
  if (process.env.CASES) console.log(outcomes);
  // The codes show that the cases get past the first checks.
  for (const code of [
    'ok',
    'adapter-invalid',
    'adapter-unsupported',
    'json-invalid',
    'tensor-missing',
    'shape-mismatch',
  ])
    expect(outcomes.get(code), code).toBeGreaterThan(0);
}, 60_000);
