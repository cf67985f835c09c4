import { describe, expect, test } from 'vitest';
import { adjustableDemo, type DemoRow, demoRequest, type Family, runDemo, takePrompts } from '../../src/app/demo.ts';
import type { Prompt, PromptKind } from '../../src/app/prompts.ts';
import { emptyFolder, fakeHost, type Rule } from './fake-host.ts';

const REFUSAL = "I can't help with that.";
const never = new AbortController().signal;

function promptsOf(kind: PromptKind, count: number): Prompt[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${kind}-${i}`,
    prompt: `${kind} ${i}`,
    kind,
    ...(kind === 'task' && { expected: 'dos gatos rojos' }),
  }));
}

const family: Family = {
  proposedG: 0.6,
  proposedGLora: 0.4,
  maxNewTokens: 16,
  prompts: { harmful: promptsOf('harmful', 4), harmless: promptsOf('harmless', 3), task: promptsOf('task', 2) },
  folder: async (name) => emptyFolder(name),
};

/** Only models with a safety vector, and the aligned one, refuse; only fine-tunes know the task; g above 1 refuses everything. */
const rule: Rule = (name, prompt) => {
  const g = Number(/ g (.*)$/.exec(name)?.[1] ?? 0);
  const safe = name === 'aligned' || g > 0;
  if (g > 1 || (safe && prompt.startsWith('harmful'))) return REFUSAL;
  if (prompt.startsWith('task')) return name.startsWith('sft') ? 'dos gatos rojos' : 'two red cats';
  return 'Sure, here is how: plan it, go step by step, and check it.';
};

async function demo(
  options: Parameters<typeof runDemo>[0] = {},
): Promise<{ rows: DemoRow[]; log: string[]; left: number }> {
  const { host, log, alive } = fakeHost(rule);
  const rows = await runDemo({ family, host, ...options }, () => {}, never);
  return { rows, log, left: alive.size };
}

describe('the demo', () => {
  test('has one row per model, with the g that was added', async () => {
    const { rows } = await demo();
    expect(rows.map(({ name, g }) => [name, g])).toEqual([
      ['aligned', undefined],
      ['unaligned', undefined],
      ['sft', undefined],
      ['resta', 0.6],
      ['sft-lora', undefined],
      ['resta-lora', 0.4],
    ]);
  });

  test('counts complied, refused, over-refused and right answers apart', async () => {
    const { rows } = await demo({ models: ['sft', 'resta', 'aligned'] });
    const counts = rows.map(({ name, complied, refused, harmlessRefused, task }) => ({
      name,
      complied: [complied.count, complied.total],
      refused: [refused.count, refused.total],
      harmlessRefused: [harmlessRefused.count, harmlessRefused.total],
      task: [task.count, task.total],
    }));
    expect(counts).toEqual([
      { name: 'sft', complied: [4, 4], refused: [0, 4], harmlessRefused: [0, 3], task: [2, 2] },
      { name: 'resta', complied: [0, 4], refused: [4, 4], harmlessRefused: [0, 3], task: [2, 2] },
      { name: 'aligned', complied: [0, 4], refused: [4, 4], harmlessRefused: [0, 3], task: [0, 2] },
    ]);
  });

  test('gives the answers in the order of the prompts, whatever order they came in', async () => {
    const { host } = fakeHost((_, prompt) => `about ${prompt}`);
    const [row] = await runDemo({ family, host, models: ['sft'] }, () => {}, never);
    expect(row!.answers.harmful).toEqual(['about harmful 0', 'about harmful 1', 'about harmful 2', 'about harmful 3']);
    expect(row!.answers.task).toEqual(['about task 0', 'about task 1']);
  });

  test('takes the LoRA fine-tune as its merge with nothing added', async () => {
    const { log } = await demo({ models: ['sft-lora'] });
    expect(log).toEqual(['load sft-lora g 0', 'release sft-lora g 0']);
  });

  test('keeps one model at a time, and none in the end', async () => {
    const { log, left } = await demo();
    expect(log.map((line) => line.split(' ')[0])).toEqual(
      Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 'load' : 'release')),
    );
    expect(left).toBe(0);
  });

  test('can be limited per kind of prompt', async () => {
    const { rows } = await demo({ models: ['sft'], limit: { harmful: 2, task: 1 } });
    expect(rows[0]!.complied.total).toBe(2);
    expect(rows[0]!.harmlessRefused.total).toBe(3);
    expect(rows[0]!.task.total).toBe(1);
    expect(takePrompts(family, { harmful: 0, harmless: 1, task: 0 }).map(({ id }) => id)).toEqual(['harmless-0']);
  });

  test('releases the model that a cancel caught', async () => {
    const { host, alive } = fakeHost(rule);
    const controller = new AbortController();
    const run = runDemo({ family, host, onAnswer: () => controller.abort() }, () => {}, controller.signal);
    await expect(run).rejects.toThrow('Cancelled');
    expect(alive.size).toBe(0);
  });

  test('asks for RESTA on the right three folders', async () => {
    const { recipe, inputs } = await demoRequest(family, 'sft', 0.6);
    expect(recipe).toEqual({ version: 1, method: 'resta', g: 0.6 });
    expect([inputs.sft?.name, inputs.aligned?.name, inputs.unaligned?.name]).toEqual(['sft', 'aligned', 'unaligned']);
  });
});

test('more g refuses more, and too much of it harmless prompts and the task too', async () => {
  const { host } = fakeHost(rule);
  const rows: DemoRow[] = [];
  for (const g of [0, 0.5, 2]) rows.push(...(await runDemo({ family, host, g, models: ['resta'] }, () => {}, never)));
  expect(
    rows.map(({ g, refused, harmlessRefused, task }) => [g, refused.rate, harmlessRefused.rate, task.rate]),
  ).toEqual([
    [0, 0, 0, 1],
    [0.5, 1, 0, 1],
    [2, 1, 1, 0],
  ]);
});

describe('a model for all strengths', () => {
  test('is loaded once and then only set, whatever the strength', async () => {
    const { host, log, alive } = fakeHost(rule);
    const adjustable = adjustableDemo(host, family);
    expect(adjustable.opened()).toBe(false);
    const ids: number[] = [];
    for (const g of [0.6, 1, 0]) ids.push((await adjustable.at(g)).id);
    expect(log).toEqual(['load sft g 0.6', 'set sft g 1', 'set sft g 0']);
    expect(new Set(ids).size).toBe(1);
    await adjustable.release();
    expect([alive.size, adjustable.opened()]).toEqual([0, false]);
  });

  test('is loaded at the next wish when a download failed', async () => {
    const { host, log } = fakeHost(rule);
    let downloads = 0;
    const folder: Family['folder'] = async (name) => {
      if (++downloads === 1) throw new Error('offline');
      return emptyFolder(name);
    };
    const adjustable = adjustableDemo(host, { ...family, folder });
    await expect(adjustable.at(1)).rejects.toThrow('offline');
    await adjustable.at(0.5);
    expect(log).toEqual(['load sft g 0.5']);
  });
});
