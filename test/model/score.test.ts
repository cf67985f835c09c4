import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../src/model/load.ts';
import { perplexity, textWindows } from '../../src/model/perplexity.ts';
import { continuationScores, logits, nextTokenLogProbs } from '../../src/model/score.ts';
import type { Model } from '../../src/model/session.ts';
import { CHECKPOINTS, largestDifference, readReference, unpack } from '../graph/fixtures.ts';
import { chatFolder, checkpointFolder, nodeRuntime } from './checkpoints.ts';
import { readScores, SCORED } from './scores.ts';

const NEVER = new AbortController().signal;
const TOLERANCE = 1e-4;

describe.each(CHECKPOINTS)('logits of %s', (name) => {
  const reference = readReference(name);
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(nodeRuntime(), checkpointFolder(name), () => {});
  });
  afterAll(() => model.release());

  it('are those of PyTorch at every position, for rows of different lengths', async () => {
    const { single, long } = reference;
    const { dims, data } = await logits(model, [single.ids, long.ids]);
    expect(dims).toEqual([2, 56, 128]);
    expect(largestDifference(data.subarray(0, 13 * 128), unpack(single.logits))).toBeLessThan(2e-5);
    expect(largestDifference(data.subarray((56 + 48) * 128), unpack(long.logits))).toBeLessThan(2e-5);
    expect(data.subarray(13 * 128, 56 * 128).every((value) => value === 0)).toBe(true);
  });

  it.each([[[]], [[128]], [[-1]], [[1.5]], [new Array(257).fill(1)]])(
    'are refused for ids that make no sense',
    async (ids) => {
      await expect(logits(model, [[5], ids])).rejects.toMatchObject({ code: 'prompts-invalid', data: { index: 1 } });
    },
  );
});

/** The passes of the model, by what each was given; `parameters` as if it had that many. */
function watched(model: Model, parameters = model.graph.parameters) {
  const passes: { rows: number; added: number; keep: number }[] = [];
  const run: Model['session']['run'] = (feeds) => {
    const [rows, added] = feeds.input_ids!.dims as [number, number];
    passes.push({ rows, added, keep: Number((feeds.num_logits_to_keep!.data as BigInt64Array)[0]) });
    return model.session.run(feeds);
  };
  const release = () => model.session.release();
  const steppable = { ...model, graph: { ...model.graph, parameters }, session: { run, release } };
  return { steppable, passes };
}

/** So many that a pass may hold this many new tokens. */
const parametersFor = (tokens: number) => 2 ** 33 / tokens;

describe.each(SCORED)('scores of %s', (name) => {
  const { items, next, texts } = readScores().models[name];
  const expected = items.map((item) => item.logProbs);
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(nodeRuntime(), name === 'chat' ? chatFolder() : checkpointFolder(name), () => {});
  });
  afterAll(() => model.release());

  it.each([1, 3, 32])('are PyTorch’s log-probabilities of continuations, in batches of %i', async (batchSize) => {
    const scores = await continuationScores(model, items, { batchSize }, NEVER);
    const perToken = scores.map((item) => item.map((one) => one.perToken));
    expect(perToken.map((item) => item.map((one) => one.length))).toEqual(
      expected.map((item) => item.map((one) => one.length)),
    );
    expect(largestDifference(perToken.flat(2), expected.flat(2))).toBeLessThan(TOLERANCE);
    for (const { logProb, tokens, perToken: own } of scores.flat()) {
      expect(tokens).toBe(own.length);
      expect(logProb).toBeCloseTo(
        own.reduce((sum, one) => sum + one),
        9,
      );
    }
  });

  it('are the same where rows go in pieces of a few tokens', async () => {
    const { steppable, passes } = watched(model, parametersFor(7));
    const scores = await continuationScores(steppable, items, {}, NEVER);
    expect(
      largestDifference(
        scores.flatMap((item) => item.flatMap((one) => one.perToken)),
        expected.flat(2),
      ),
    ).toBeLessThan(TOLERANCE);
    expect(Math.max(...passes.map(({ rows, added }) => rows * added))).toBeLessThanOrEqual(7);
    expect(passes.every(({ keep }) => keep >= 1)).toBe(true);
  });

  it('are PyTorch’s distribution of the next token', async () => {
    const prompts = next.map(({ prompt }) => prompt);
    const ids = [5, 100, 5];
    for (const batchSize of [1, 32]) {
      const found = await nextTokenLogProbs(model, prompts, { ids, top: 5, batchSize }, NEVER);
      for (const [row, { asked, top }] of found.entries()) {
        expect(top.map(({ id }) => id)).toEqual(next[row]!.top.map(([id]) => id));
        expect(
          largestDifference(
            top.map(({ logProb }) => logProb),
            next[row]!.top.map(([, logProb]) => logProb),
          ),
        ).toBeLessThan(TOLERANCE);
        const all = (await nextTokenLogProbs(model, [prompts[row]!], { top: 1000 }, NEVER))[0]!.top;
        expect(all).toHaveLength(model.graph.decoder.vocabulary);
        expect(all.reduce((sum, { logProb }) => sum + Math.exp(logProb), 0)).toBeCloseTo(1, 9);
        const byId = ids.map((id) => all.find((one) => one.id === id)!.logProb);
        expect(asked.map(({ id }) => id)).toEqual(ids);
        expect(
          largestDifference(
            asked.map(({ logProb }) => logProb),
            byId,
          ),
        ).toBeLessThan(TOLERANCE);
      }
    }
  });

  it.each(texts.map((text) => ({ ...text, tokens: text.ids.length })))(
    'are the perplexity of transformers’ own loop: $tokens tokens in windows of $window',
    async ({ ids, window, stride, ...reference }) => {
      const found = await perplexity(model, ids, window === model.graph.positions ? {} : { window, stride }, NEVER);
      expect(found.tokens).toBe(ids.length - 1);
      expect(Math.abs(found.logProb - reference.logProb) / found.tokens).toBeLessThan(TOLERANCE);
      expect(Math.abs(found.perplexity / reference.perplexity - 1)).toBeLessThan(TOLERANCE);
    },
  );

  it('are the same perplexity where a long text goes in pieces', async () => {
    const text = texts.find(({ ids }) => ids.length > model.graph.positions)!;
    const { steppable, passes } = watched(model, parametersFor(100));
    const { logProb, tokens } = await perplexity(steppable, text.ids, {}, NEVER);
    expect(Math.abs(logProb - text.logProb) / tokens).toBeLessThan(TOLERANCE);
    expect(Math.max(...passes.map(({ added }) => added))).toBeLessThanOrEqual(100);
  });
});

describe('a pass', () => {
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(nodeRuntime(), checkpointFolder('tied'), () => {});
  });
  afterAll(() => model.release());
  const prompt = [5, 6, 7];

  it('serves all choices that differ in their last token only, and keeps no more logits than it must', async () => {
    const { steppable, passes } = watched(model);
    await continuationScores(steppable, [{ prompt, continuations: [[8], [9], [10]] }], {}, NEVER);
    expect(passes).toEqual([{ rows: 1, added: 3, keep: 1 }]);
    passes.length = 0;
    await continuationScores(
      steppable,
      [
        {
          prompt,
          continuations: [
            [8, 9],
            [8, 10],
            [9, 9],
          ],
        },
      ],
      {},
      NEVER,
    );
    expect(passes).toEqual([{ rows: 2, added: 4, keep: 2 }]);
  });

  it('holds at most 64 MiB of logits', async () => {
    const { steppable, passes } = watched(model);
    const rows = Array.from({ length: 32 }, (_, i) => ({ prompt, continuations: [[i + 8, 5, 6, 7]] }));
    await continuationScores(steppable, rows, {}, NEVER);
    expect(passes).toEqual([{ rows: 32, added: 6, keep: 4 }]);
    passes.length = 0;
    // As if there were 2 Mi tokens: 8 MiB per position.
    const decoder = { ...model.graph.decoder, vocabulary: 2 ** 21 };
    const wide = { ...steppable, graph: { ...model.graph, decoder } };
    await continuationScores(wide, rows, {}, NEVER).catch(() => {});
    expect(Math.max(...passes.map((pass) => pass.rows * pass.keep))).toBe(8);
  });

  it.each([
    ['an empty prompt', { prompt: [], continuations: [[5]] }, { index: 1 }],
    ['an empty continuation', { prompt, continuations: [[5], []] }, { index: 1, continuation: 1 }],
    ['an id outside the vocabulary', { prompt, continuations: [[128]] }, { index: 1, continuation: 0, id: 128 }],
    [
      'too many tokens',
      { prompt, continuations: [new Array(254).fill(5)] },
      { index: 1, continuation: 0, positions: 256 },
    ],
  ])('is refused for %s, by the number of the item', async (_, item, data) => {
    const run = continuationScores(model, [{ prompt, continuations: [[5]] }, item], {}, NEVER);
    await expect(run).rejects.toMatchObject({
      code: 'prompts-invalid',
      data,
      message: expect.stringContaining('item 2'),
    });
  });

  it('takes a prompt and a continuation that just fit', async () => {
    const items = [{ prompt, continuations: [new Array(253).fill(5)] }];
    expect((await continuationScores(model, items, {}, NEVER))[0]![0]!.tokens).toBe(253);
  });

  it('is refused for prompts and texts that make no sense', async () => {
    await expect(nextTokenLogProbs(model, [prompt, []], { top: 1 }, NEVER)).rejects.toMatchObject({
      data: { index: 1 },
    });
    await expect(nextTokenLogProbs(model, [prompt], { ids: [500] }, NEVER)).rejects.toMatchObject({
      data: { id: 500 },
    });
    await expect(perplexity(model, [5], {}, NEVER)).rejects.toMatchObject({ code: 'prompts-invalid' });
    await expect(perplexity(model, [5, 128], {}, NEVER)).rejects.toMatchObject({ code: 'prompts-invalid' });
    for (const wrong of [{ window: 257 }, { stride: 0 }, { window: 8, stride: 8 }, { batchSize: 0.5 }])
      await expect(perplexity(model, prompt, wrong, NEVER)).rejects.toBeInstanceOf(RangeError);
    await expect(nextTokenLogProbs(model, [prompt], { top: -1 }, NEVER)).rejects.toBeInstanceOf(RangeError);
  });

  it('is the last one after a cancel', async () => {
    const controller = new AbortController();
    const { steppable, passes } = watched(model, parametersFor(3));
    const run = perplexity(steppable, new Array(20_000).fill(5), {}, controller.signal);
    setTimeout(() => controller.abort(), 100);
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(passes.length).toBeGreaterThan(0);
    expect(passes.length).toBeLessThan(20_000);
  });

  it('is none for nothing', async () => {
    expect(await continuationScores(model, [], {}, NEVER)).toEqual([]);
    expect(await nextTokenLogProbs(model, [], {}, NEVER)).toEqual([]);
  });
});

describe('windows', () => {
  it.each([
    [40, 256, 128],
    [589, 256, 128],
    [75, 16, 5],
    [33, 16, 15],
    [2, 2, 1],
  ])('of %i tokens, %i long and every %i, score each token but the first once', (tokens, window, stride) => {
    const windows = textWindows(tokens, window, stride);
    const scored = windows.flatMap(({ scored, end }) => Array.from({ length: end - scored }, (_, i) => scored + i));
    expect(scored).toEqual(Array.from({ length: tokens - 1 }, (_, i) => i + 1));
    for (const { start, scored, end } of windows) {
      expect(end - start).toBeLessThanOrEqual(window);
      expect(scored - start).toBeGreaterThanOrEqual(start === 0 ? 1 : window - stride);
    }
  });
});
