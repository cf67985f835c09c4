import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../src/model/generate.ts';
import type { Generation } from '../../src/model/generation.ts';
import { loadModel, type Model } from '../../src/model/session.ts';
import { chatFolder, nodeRuntime, readChatFile, readChatReference } from './checkpoints.ts';

const NEVER = new AbortController().signal;
const { prompts, answers: expected } = readChatReference();

describe('answers of a chat model', () => {
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(nodeRuntime(), chatFolder(), () => {});
  });
  afterAll(() => model.release());

  it.each([1, 4, 64])(
    'are the texts of transformers, in batches of %i, in the order of the prompts',
    async (batchSize) => {
      const { answers, tokensPerSecond } = await generate(
        model,
        prompts,
        { maxNewTokens: 24, batchSize },
        () => {},
        NEVER,
      );
      expect(answers.map(({ prompt, text, tokens }) => ({ prompt, text, tokens }))).toEqual(
        expected.map(({ text, tokens }, i) => ({ prompt: prompts[i], text, tokens })),
      );
      expect(answers.map((answer) => answer.stopReason)).toEqual(
        expected.map(({ tokens }) => (tokens.length < 24 ? 'eos' : 'length')),
      );
      expect(tokensPerSecond).toBeGreaterThan(0);
    },
  );

  it('are told one by one as they end', async () => {
    const told = new Map<number, Generation>();
    const { answers } = await generate(
      model,
      prompts,
      { maxNewTokens: 24 },
      (index, answer) => told.set(index, answer),
      NEVER,
    );
    expect(prompts.map((_, index) => told.get(index))).toEqual(answers);
  });

  it('are none for no prompts', async () => {
    expect(await generate(model, [], { maxNewTokens: 24 }, () => {}, NEVER)).toEqual({
      answers: [],
      tokensPerSecond: 0,
    });
  });

  it('are refused for a prompt that does not fit, by its number', async () => {
    const run = generate(model, ['short', 'long '.repeat(200)], { maxNewTokens: 24 }, () => {}, NEVER);
    await expect(run).rejects.toMatchObject({ code: 'prompts-invalid', data: { index: 1, positions: 128 } });
  });

  it.each([{ maxNewTokens: 0 }, { maxNewTokens: 5, batchSize: 0 }])(
    'are a mistake of the caller with %j',
    async (options) => {
      await expect(generate(model, prompts, options, () => {}, NEVER)).rejects.toBeInstanceOf(RangeError);
    },
  );

  it('do not start once cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(generate(model, prompts, { maxNewTokens: 24 }, () => {}, controller.signal)).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('what ends an answer', () => {
  async function stopTokens(changes: Record<string, string | undefined>): Promise<readonly number[]> {
    const model = await loadModel(nodeRuntime(), chatFolder(changes), () => {});
    await model.release();
    return model.stopTokens;
  }
  const config = JSON.parse(readChatFile('config.json'));

  it('stands in generation_config.json, as a list or a number', async () => {
    expect(await stopTokens({})).toEqual(JSON.parse(readChatFile('generation_config.json')).eos_token_id);
    expect(await stopTokens({ 'generation_config.json': '{"eos_token_id": 7}' })).toEqual([7]);
  });

  it('or else in config.json, or nowhere', async () => {
    expect(await stopTokens({ 'generation_config.json': undefined })).toEqual([1]);
    const without = JSON.stringify({ ...config, eos_token_id: null });
    expect(await stopTokens({ 'generation_config.json': '{}', 'config.json': without })).toEqual([]);
  });
});
