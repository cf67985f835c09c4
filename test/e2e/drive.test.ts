/** The driver's commands on real folders: the stable contract of `npm run drive`. */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { main } from '../../tools/drive/drive.mjs';
import { CHECKPOINTS, fixturePath, largestDifference, readReference, unpack } from '../graph/fixtures.ts';

const DEMO = resolve(import.meta.dirname, '../../public/demo');

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'resta-web-drive-'));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs one command as a terminal would and reads the JSON it wrote. */
async function drive(...args: string[]): Promise<Record<string, unknown>> {
  const file = join(scratch, 'result.json');
  expect(await main([...args, '--json', file])).toBe(0);
  return JSON.parse(readFileSync(file, 'utf8'));
}

function inScratch(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

describe('logits', () => {
  test.each(CHECKPOINTS)('of %s agree with PyTorch within 1e-4, for rows of different lengths', async (name) => {
    const { single } = readReference(name);
    const tokens = inScratch('tokens.json', JSON.stringify({ ids: [single.ids, single.ids.slice(0, 3)] }));
    const folder = fixturePath(name, '.').pathname;
    const result = await drive('logits', '--model', folder, '--tokens', tokens);
    expect(result.version).toBe(1);
    const [whole, start] = result.logits as number[][][];
    const expected = unpack(single.logits);
    expect(largestDifference(whole!.flat(), expected)).toBeLessThan(1e-4);
    expect(start).toHaveLength(3);
    expect(largestDifference(start!.flat(), expected.subarray(0, start!.flat().length))).toBeLessThan(1e-4);
  });
});

describe('generate', () => {
  const prompts = () =>
    inScratch(
      'prompts.jsonl',
      readFileSync(join(DEMO, 'prompts/task.jsonl'), 'utf8').split('\n').slice(0, 4).join('\n'),
    );

  test('answers every prompt with text, tokens and why it stopped, alike on WebAssembly and WebGPU', async () => {
    const runs = [];
    for (const backend of ['wasm', 'webgpu']) {
      runs.push(await drive('generate', '--model', join(DEMO, 'sft'), '--prompts', prompts(), '--backend', backend));
    }
    const expected = readFileSync(join(DEMO, 'prompts/task.jsonl'), 'utf8')
      .split('\n')
      .slice(0, 4)
      .map((line) => JSON.parse(line).expected);
    for (const run of runs) {
      const answers = run.answers as { prompt: string; text: string; tokens: number[]; stopReason: string }[];
      expect(answers.map((answer) => answer.text)).toEqual(expected);
      expect(answers.every((answer) => answer.stopReason === 'eos' && answer.tokens.length > 3)).toBe(true);
      expect(run.tokensPerSecond).toBeGreaterThan(0);
    }
  });

  test('stops at the token limit and says so', async () => {
    const run = await drive('generate', '--model', join(DEMO, 'sft'), '--prompts', prompts(), '--max-new-tokens', '2');
    const answers = run.answers as { tokens: number[]; stopReason: string }[];
    expect(answers.map(({ tokens, stopReason }) => [tokens.length, stopReason])).toEqual(
      answers.map(() => [2, 'length']),
    );
  });

  test('draws alike with the same seed in batches of any size, and says how', async () => {
    const args = ['generate', '--model', join(DEMO, 'sft'), '--prompts', prompts(), '--max-new-tokens', '12'];
    const drawn = async (...more: string[]) => {
      const run = await drive(...args, '--temperature', '3', '--top-p', '0.95', ...more);
      return { texts: (run.answers as { text: string }[]).map(({ text }) => text), sampling: run.sampling };
    };
    const alone = await drawn('--seed', '5', '--batch-size', '1');
    expect(alone.sampling).toEqual({ temperature: 3, topP: 0.95, seed: 5 });
    expect(await drawn('--seed', '5', '--batch-size', '8')).toEqual(alone);
    expect((await drawn('--seed', '6')).texts).not.toEqual(alone.texts);
  });
});

describe('where, in what numbers and asked how', () => {
  const question = () => inScratch('question.jsonl', JSON.stringify({ prompt: 'Hello there.', kind: 'harmless' }));
  /** The chat model of the fixtures without its template. */
  const base = () => {
    const folder = join(scratch, 'base');
    cpSync(fixturePath('chat', '.'), folder, { recursive: true });
    rmSync(join(folder, 'chat_template.jinja'), { force: true });
    return folder;
  };

  test('a model in int8 says so, what that changed, and what it was reckoned to take', async () => {
    const chat = fixturePath('chat', '.').pathname;
    const tokens = inScratch('tokens.json', JSON.stringify({ ids: [[1, 2, 3, 4]] }));
    const f32 = await drive('logits', '--model', chat, '--tokens', tokens);
    expect(f32).toMatchObject({ version: 1, backend: 'wasm', precision: 'f32' });
    expect(f32).not.toHaveProperty('drift');
    const int8 = await drive('logits', '--model', chat, '--tokens', tokens, '--precision', 'int8', '--backend', 'auto');
    expect(int8).toMatchObject({ backend: 'wasm', precision: 'int8' });
    const drift = int8.drift as { tokens: number; divergence: number };
    expect(drift.tokens).toBeGreaterThan(1);
    expect(drift.divergence).toBeGreaterThan(0);
    const [moved, exact] = [int8, f32].map(({ logits }) => (logits as number[][][]).flat(2));
    const apart = largestDifference(moved!, Float32Array.from(exact!));
    expect(apart).toBeGreaterThan(0);
    expect(apart).toBeLessThan(1);
    const memory = [int8, f32].map(({ memory }) => memory as { total: number; weights: number });
    expect(memory[0]!.weights).toBeLessThan(memory[1]!.weights);
    expect(memory[1]!.total).toBeGreaterThan(memory[1]!.weights);
  });

  test.each(['generate', 'compare'])('%s asks a model without a template only as it is told to', async (command) => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {});
    const where = command === 'compare' ? ['--out', join(scratch, 'asked'), '--models'] : ['--model'];
    const args = [command, ...where, base(), '--prompts', question(), '--max-new-tokens', '4'];
    expect(await main(args)).toBe(1);
    expect(told.mock.calls.flat().join()).toMatch(/template-missing.*no chat template.*plain, chatml/);
    told.mockRestore();
    const result = await drive(...args, '--template', 'chatml', '--precision', 'int4');
    if (command === 'generate') {
      expect(result).toMatchObject({ template: 'chatml', precision: 'int4', answers: [{ prompt: 'Hello there.' }] });
    } else {
      const [{ run }] = result.summary as [{ run: object }];
      expect(run).toMatchObject({ template: 'chatml', precision: 'int4', backend: 'wasm', drift: { tokens: 96 } });
    }
  });

  test('words that no option takes are refused before a browser starts', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {});
    const args = ['generate', '--model', DEMO, '--prompts', question()];
    expect(await main([...args, '--precision', 'int2'])).toBe(2);
    expect(await main([...args, '--template', 'llama'])).toBe(2);
    expect(told.mock.calls.flat()).toEqual([
      '--precision wants f32, f16, int8 or int4, not "int2".',
      '--template wants own, plain, chatml, user-assistant or alpaca, not "llama".',
    ]);
    told.mockRestore();
  });

  test('inspect says whether a model runs here, and with how much memory', async () => {
    const { runs, parameters: stored } = await drive('inspect', '--model', join(DEMO, 'sft'));
    const { modelType, parameters, memory } = runs as { modelType: string; parameters: number; memory: object };
    expect([modelType, parameters, Object.keys(memory)]).toEqual(['llama', stored, ['f32', 'int8', 'int4']]);
    const strange = join(scratch, 'strange');
    cpSync(fixturePath('chat', '.'), strange, { recursive: true });
    const config = JSON.parse(readFileSync(join(strange, 'config.json'), 'utf8'));
    writeFileSync(join(strange, 'config.json'), JSON.stringify({ ...config, model_type: 'mamba' }));
    expect((await drive('inspect', '--model', strange)).runs).toEqual({
      error: 'Models of type "mamba" cannot be run here yet.',
    });
  });
});

describe('scores', () => {
  test('of choices prefer the right answer of a task, and count their tokens', async () => {
    const tasks = readFileSync(join(DEMO, 'prompts/task.jsonl'), 'utf8').split('\n').slice(0, 4);
    const items = tasks.map((line) => {
      const { prompt, expected } = JSON.parse(line);
      return JSON.stringify({ prompt, choices: ['I cannot help with that.', expected] });
    });
    const result = await drive(
      'score',
      '--model',
      join(DEMO, 'sft'),
      '--items',
      inScratch('items.jsonl', items.join('\n')),
    );
    const scored = result.items as { best: number; choices: { logProb: number; tokens: number }[] }[];
    expect([result.version, scored.map(({ best }) => best)]).toEqual([1, [1, 1, 1, 1]]);
    expect(scored.flatMap(({ choices }) => choices).every(({ logProb, tokens }) => logProb < 0 && tokens > 1)).toBe(
      true,
    );
  });

  test('of a text are its perplexity', async () => {
    const text = inScratch('text.txt', 'How do I water my plants? '.repeat(200));
    const { version, perplexity, logProb, tokens } = (await drive(
      'perplexity',
      '--model',
      join(DEMO, 'sft'),
      '--text',
      text,
    )) as Record<string, number>;
    expect(version).toBe(1);
    expect(tokens).toBeGreaterThan(1000);
    expect(perplexity).toBeCloseTo(Math.exp(-logProb! / tokens!), 9);
  });

  test.each([
    ['{"prompt": "a", "choices": []}', 'line 1'],
    ['{"prompt": "a", "choices": ["b"]}\n{"prompt": 1}', 'line 2'],
    ['\n{', 'line 2'],
    ['', 'no items'],
  ])('are refused for the items %j', async (items, message) => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {});
    const args = ['score', '--model', join(DEMO, 'sft'), '--items', inScratch('items.jsonl', items)];
    expect(await main(args)).toBe(2);
    expect(told.mock.calls.flat().join()).toContain(message);
    told.mockRestore();
  });
});

test('compare judges several folders on the same prompts and writes its files', async () => {
  const harmful = readFileSync(join(DEMO, 'prompts/harmful.jsonl'), 'utf8').split('\n').slice(0, 11).join('\n');
  const out = join(scratch, 'compared');
  const models = ['sft', 'aligned'].map((name) => join(DEMO, name)).join(',');
  const result = await drive(
    'compare',
    '--models',
    models,
    '--prompts',
    inScratch('harmful.jsonl', harmful),
    '--out',
    out,
  );
  expect(result.models).toEqual(['sft', 'aligned']);
  const rows = result.rows as { answers: { verdict: string }[] }[];
  expect(rows).toHaveLength(11);
  expect(rows.every((row) => row.answers[1]!.verdict === 'refused')).toBe(true);
  const csv = readFileSync(join(out, 'answers.csv'), 'utf8');
  expect(csv.trim().split('\r\n')).toHaveLength(1 + 22);
  expect(readFileSync(join(out, 'answers.jsonl'), 'utf8').trim().split('\n')).toHaveLength(22);
  expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')).version).toBe(1);
});

test('merge takes a recipe file', async () => {
  const recipe = inScratch(
    'recipe.yaml',
    'version: 1\nmethod: resta_d\ng: 0.5\np: 0.2\nseed: 7\nconvention: harm-tuned\n',
  );
  const roles = ['sft', 'aligned', 'unaligned'].flatMap((role) => [`--${role}`, join(DEMO, role)]);
  const out = join(scratch, 'merged');
  const result = await drive('merge', '--recipe', recipe, ...roles, '--out', out);
  expect(result).toMatchObject({ version: 1, out, nonFinite: 0 });
  expect(JSON.parse(readFileSync(join(out, 'merge.json'), 'utf8')).recipe).toMatchObject({
    method: 'resta_d',
    g: 0.5,
    p: 0.2,
    seed: 7,
  });
  expect(readFileSync(join(out, 'README.md'), 'utf8')).toContain('harm-tuned');
});

test('merge writes into a new folder right among the temporary files, where the browser must keep nothing of its own', async () => {
  const roles = ['sft', 'aligned', 'unaligned'].flatMap((role) => [`--${role}`, join(DEMO, role)]);
  const out = `${scratch}-merged`;
  try {
    await drive('merge', '--method', 'resta', ...roles, '--out', out);
    expect(readdirSync(out)).toContain('merge.json');
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

test('inspect knows an adapter from a model', async () => {
  expect(await drive('inspect', '--model', join(DEMO, 'sft-lora'))).toMatchObject({
    version: 1,
    kind: 'adapter',
    problems: [],
  });
});
