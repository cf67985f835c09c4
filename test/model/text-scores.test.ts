import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadModel } from '../../src/model/load.ts';
import { perplexity } from '../../src/model/perplexity.ts';
import { continuationScores, nextTokenLogProbs } from '../../src/model/score.ts';
import type { Model } from '../../src/model/session.ts';
import { nextTextTokens, scoreChoices, textPerplexity } from '../../src/model/text-scores.ts';
import { chatFolder, nodeRuntime, readChatReference } from './checkpoints.ts';

const NEVER = new AbortController().signal;
const { prompts, ids, answers } = readChatReference();

let model: Model;
beforeAll(async () => {
  model = await loadModel(nodeRuntime(), chatFolder(), () => {});
});
afterAll(() => model.release());

it('choices are scored as what follows the prompt in its template, and the best is the likeliest', async () => {
  const choices = ['How', ' do I', 'bake bread?'];
  const scored = await scoreChoices(
    model,
    prompts.map((prompt) => ({ prompt, choices })),
    {},
    NEVER,
  );
  const tokenizer = await model.tokenizer();
  const continuations = choices.map((choice) => tokenizer.encodeContinuation(choice));
  const expected = await continuationScores(
    model,
    ids.map((prompt) => ({ prompt, continuations })),
    {},
    NEVER,
  );
  for (const [index, item] of scored.entries()) {
    expect(item.prompt).toBe(prompts[index]);
    expect(item.choices.map(({ text }) => text)).toEqual(choices);
    expect(item.choices.map(({ logProb, tokens }) => [logProb, tokens])).toEqual(
      expected[index]!.map(({ logProb, tokens }) => [logProb, tokens]),
    );
    expect(item.choices[item.best]!.logProb).toBe(Math.max(...item.choices.map(({ logProb }) => logProb)));
  }
});

it('the likeliest beginning of an answer is that of the greedy one', async () => {
  const found = await nextTextTokens(model, prompts, { openings: ['How', 'story.'], top: 3 }, NEVER);
  const tokenizer = await model.tokenizer();
  const asked = ['How', 'story.'].map((opening) => tokenizer.encodeContinuation(opening)[0]!);
  const expected = await nextTokenLogProbs(model, ids, { ids: asked }, NEVER);
  for (const [index, next] of found.entries()) {
    expect(next.top.map(({ id, text }) => [id, text])[0]).toEqual([
      answers[index]!.tokens[0],
      tokenizer.decode([answers[index]!.tokens[0]!]),
    ]);
    expect(next.asked.map(({ text, ...one }) => one)).toEqual(expected[index]!.asked);
    expect(next.asked.map(({ text }) => text)).toEqual(['How', 'story.']);
  }
});

it('the perplexity of a text is that of its tokens', async () => {
  const text = 'How do I bake bread at home? Mix flour, water, salt and yeast, then wait. '.repeat(8);
  const tokenizer = await model.tokenizer();
  const encoded = tokenizer.encodeText(text);
  expect(encoded.length).toBeGreaterThan(model.graph.positions);
  expect(await textPerplexity(model, text, {}, NEVER)).toEqual(await perplexity(model, encoded, {}, NEVER));
});

it('an item without choices and an opening without tokens are refused by their number', async () => {
  const items = [
    { prompt: 'a', choices: ['b'] },
    { prompt: 'a', choices: [] },
  ];
  await expect(scoreChoices(model, items, {}, NEVER)).rejects.toMatchObject({
    code: 'prompts-invalid',
    data: { index: 1 },
  });
  await expect(scoreChoices(model, [{ prompt: 'a', choices: [''] }], {}, NEVER)).rejects.toMatchObject({
    code: 'prompts-invalid',
    data: { index: 0, continuation: 0 },
  });
  await expect(nextTextTokens(model, ['a'], { openings: ['I', ''] }, NEVER)).rejects.toMatchObject({
    code: 'prompts-invalid',
    data: { index: 1 },
  });
});
