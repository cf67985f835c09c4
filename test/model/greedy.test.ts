import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GreedyAnswer, greedy } from '../../src/model/greedy.ts';
import { loadModel, type Model } from '../../src/model/session.ts';
import { CHECKPOINTS, readReference } from '../graph/fixtures.ts';
import { checkpointFolder, nodeRuntime } from './checkpoints.ts';

const NEVER = new AbortController().signal;

async function answersOf(
  model: Model,
  prompts: number[][],
  options: { maxNewTokens?: number; batchSize?: number; stopTokens?: number[] } = {},
) {
  const answers: GreedyAnswer[] = [];
  const finished: number[] = [];
  const { maxNewTokens = 24, batchSize = 8, stopTokens = [] } = options;
  await greedy(
    model,
    prompts,
    { maxNewTokens, batchSize, stopTokens: new Set(stopTokens) },
    (index, { tokens, stopReason }) => {
      answers[index] = { tokens, stopReason };
      finished.push(index);
    },
    NEVER,
  );
  return { answers, finished };
}

describe.each(CHECKPOINTS)('greedy answers of %s', (name) => {
  const { greedy: reference } = readReference(name);
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(nodeRuntime(), checkpointFolder(name), () => {});
  });
  afterAll(() => model.release());

  it.each([1, 2, 8])('are those of PyTorch in batches of %i', async (batchSize) => {
    const { answers } = await answersOf(model, reference.prompts, { batchSize });
    expect(answers).toEqual(reference.ids.map((tokens) => ({ tokens, stopReason: 'length' })));
  });

  it('end at the first stop token of each row, while the others of the batch go on', async () => {
    const stopTokens = [reference.ids[0]![5]!, reference.ids[2]![2]!];
    const { answers } = await answersOf(model, reference.prompts, { stopTokens });
    const expected = reference.ids.map((tokens): GreedyAnswer => {
      const end = tokens.findIndex((token) => stopTokens.includes(token));
      return end < 0 ? { tokens, stopReason: 'length' } : { tokens: tokens.slice(0, end), stopReason: 'eos' };
    });
    expect(expected.filter((answer) => answer.stopReason === 'eos').length).toBeGreaterThan(1);
    expect(answers).toEqual(expected);
  });
});

describe('the loop', () => {
  let model: Model;
  const { greedy: reference } = readReference('tied');
  beforeAll(async () => {
    model = await loadModel(nodeRuntime(), checkpointFolder('tied'), () => {});
  });
  afterAll(() => model.release());

  it('makes no more tokens than asked', async () => {
    const { answers } = await answersOf(model, reference.prompts, { maxNewTokens: 3 });
    expect(answers.map((answer) => answer.tokens)).toEqual(reference.ids.map((tokens) => tokens.slice(0, 3)));
  });

  it('tells each answer once, and one that ends early before the others', async () => {
    const { finished } = await answersOf(model, reference.prompts, { stopTokens: [reference.ids[1]![0]!] });
    expect(finished[0]).toBe(1);
    expect([...finished].sort()).toEqual([0, 1, 2]);
  });

  it('stops where the positions of the model end', async () => {
    const limited = { ...model, graph: { ...model.graph, positions: 22 } };
    const { answers } = await answersOf(limited as Model, [reference.prompts[0]!]);
    expect(answers).toEqual([{ tokens: reference.ids[0]!.slice(0, 3), stopReason: 'length' }]); // a prompt of 20, then 21 and 22, and one more that nothing follows
  });

  it('does nothing for no prompts', async () => expect((await answersOf(model, [])).answers).toEqual([]));

  it('hears a cancel while it runs, and rejects with AbortError', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const prompts = Array.from({ length: 5000 }, () => reference.prompts[0]!);
    const begun = performance.now();
    const run = greedy(
      model,
      prompts,
      { maxNewTokens: 200, batchSize: 4, stopTokens: new Set() },
      () => {},
      controller.signal,
    );
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(performance.now() - begun).toBeLessThan(1100);
  });
});
