/**
 * The long look at everything that parses what strangers wrote: each case is read or refused with an AppError; nothing hangs, crashes, reads
 * outside of its file or reads more than its size explains. The same cases every time, each from its own number:
 *
 *   FUZZ_CASE=safetensors:1234   one case alone     FUZZ_SEED=7  other cases     FUZZ_SCALE=10  ten times as many
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as adapter from './fuzz/adapter.ts';
import { folderFuzz, indexFuzz, vectorFuzz } from './fuzz/folders.ts';
import { ggufFuzz } from './fuzz/gguf.ts';
import { type Fuzz, type Outcome, seeded } from './fuzz/outcome.ts';
import { pickleFuzz } from './fuzz/pickle.ts';
import { safetensorsFuzz } from './fuzz/safetensors.ts';
import { promptsFuzz, recipeFuzz, tokenizerFuzz, yamlFuzz } from './fuzz/texts.ts';
import { torchFuzz, zipFuzz } from './fuzz/torch.ts';
import { type Watchdog, watch } from './fuzz/watchdog.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 20240219);
const SCALE = Number(process.env.FUZZ_SCALE ?? 1);
const [ALONE, NUMBER] = (process.env.FUZZ_CASE ?? '').split(':');
/** MB of the process above its beginning, garbage and all; the cases are a few kilobytes each. */
const MEMORY_MB = 500;
/** Milliseconds for all cases of one target: none takes a tenth of it. */
const TIMEOUT = 600_000;

interface Target {
  name: string;
  cases: number;
  run(number: number): Promise<Outcome>;
  /** Least share of cases that are taken: a fuzz that meets one error only proves little. */
  accepted: number;
  /** Each occurs. */
  codes: Outcome[];
}

let targets = 0;

function target<Case>(name: string, cases: number, fuzz: Fuzz<Case>, accepted: number, codes: Outcome[]): Target {
  const place = targets++;
  const run = (number: number) => fuzz.run(fuzz.generate(seeded(mixed(SEED + 0x9e3779b9 * place + number))));
  return { name, cases, run, accepted, codes };
}

/** Neighbouring seeds begin alike in a xorshift; the end of MurmurHash3 (Appleby) parts them. */
function mixed(seed: number): number {
  let hash = seed | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

const OFFSETS: Outcome[] = ['tensor-out-of-bounds', 'tensor-overlap', 'tensor-hole', 'tensor-size-mismatch'];

const TARGETS: Target[] = [
  target('safetensors', 48_000, safetensorsFuzz, 0.3, [
    ...OFFSETS,
    ...(['header-truncated', 'header-too-large', 'header-invalid', 'dtype-unsupported', 'tensor-duplicate'] as const),
  ]),
  target('index', 12_000, indexFuzz, 0.15, ['index-invalid', 'json-invalid', 'config-invalid', 'file-missing']),
  target('folder', 8_000, folderFuzz, 0.15, [
    ...([
      'folder-empty',
      'file-missing',
      'format-unsupported',
      'index-invalid',
      'json-invalid',
      'tensor-hole',
    ] as const),
    ...(['header-invalid', 'zip-invalid', 'gguf-invalid', 'tensor-duplicate', 'header-truncated'] as const),
  ]),
  target('vector', 6_000, vectorFuzz, 0.15, ['vector-invalid', 'file-missing', 'header-invalid', 'tensor-duplicate']),
  target('adapter', 2_500, adapter, 0.02, [
    'adapter-invalid',
    'adapter-unsupported',
    'json-invalid',
    'shape-mismatch',
    'tensor-missing',
  ]),
  target('pickle', 14_000, pickleFuzz, 0.015, ['pickle-invalid', 'pickle-refused']),
  target('archive', 4_000, zipFuzz, 0.05, ['zip-invalid', 'format-unsupported']),
  target('pytorch', 2_000, torchFuzz, 0.05, ['zip-invalid', 'format-unsupported', 'pickle-invalid', 'pickle-refused']),
  target('gguf', 5_000, ggufFuzz, 0.05, [
    ...(['gguf-invalid', 'format-unsupported', 'tensor-out-of-bounds', 'quantized-unsupported'] as const),
  ]),
  target('recipe', 5_000, recipeFuzz, 0.25, ['recipe-invalid']),
  target('yaml', 1_000, yamlFuzz, 0.2, ['recipe-invalid']),
  target('tokenizer', 5_000, tokenizerFuzz, 1, []),
  target('prompts', 8_000, promptsFuzz, 0.25, ['prompts-invalid']),
];

/** For people who look at a run: what the cases came to. */
const report: string[] = [];

describe.skipIf(ALONE)('hostile input is read or refused with an AppError, inside the file and within its size', () => {
  let watchdog: Watchdog;
  beforeAll(() => {
    watchdog = watch(TARGETS.map(({ name }) => name));
  });
  afterAll(async () => {
    await watchdog.stop();
    console.log(`Fuzz with seed ${SEED}:\n${report.join('\n')}`);
  });

  test('in a hundred thousand cases at least', () => {
    expect(TARGETS.reduce((sum, { cases }) => sum + cases, 0)).toBeGreaterThanOrEqual(100_000);
  });

  test.each(TARGETS)(
    'of $name',
    async (target) => {
      const before = watchdog.peakMegabytes();
      const cases = target.cases * SCALE;
      const outcomes = new Map<Outcome, number>();
      for (let number = 0; number < cases; number++) {
        watchdog.beat(target.name, number);
        const outcome = await attempt(target, number);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (number % 500 === 0) await new Promise((resolve) => setImmediate(resolve)); // lets the runner hear of us
      }
      const grown = watchdog.peakMegabytes() - before;
      report.push(line(target.name, cases, outcomes, grown));
      expect((outcomes.get('ok') ?? 0) / cases, 'share of cases taken').toBeGreaterThanOrEqual(target.accepted);
      for (const code of target.codes) expect(outcomes.get(code), code).toBeGreaterThan(0);
      expect(grown, 'MB of memory').toBeLessThan(MEMORY_MB);
    },
    TIMEOUT * SCALE,
  );

  test('and tokenizers are compared where both can be read', () => {
    expect(tokenizerFuzz.compared).toBeGreaterThan(1000 * SCALE);
  });
});

// Not among the tests of an ordinary run, where it would count as skipped.
if (ALONE) {
  test(`one case: ${process.env.FUZZ_CASE}, seed ${SEED}`, async () => {
    const found = TARGETS.find(({ name }) => name === ALONE);
    console.log(await found!.run(Number(NUMBER)));
  });
}

async function attempt(target: Target, number: number): Promise<Outcome> {
  try {
    return await target.run(number);
  } catch (error) {
    const again = `FUZZ_SEED=${SEED} FUZZ_CASE=${target.name}:${number}`;
    throw new Error(`${again}: ${error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : error}`, {
      cause: error,
    });
  }
}

function line(name: string, cases: number, outcomes: ReadonlyMap<Outcome, number>, grown: number): string {
  const shares = [...outcomes]
    .sort((a, b) => b[1] - a[1])
    .map(([code, count]) => `${code} ${((100 * count) / cases).toFixed(1)} %`);
  return `${name.padEnd(12)} ${String(cases).padStart(6)} cases, +${grown} MB: ${shares.join(', ')}`;
}
