import { beforeEach, expect, test, vi } from 'vitest';
import { cardMissing, halvesOffered, lack, workBatch, workLength } from '../../src/app/compare-ready.ts';
import { addModel, maxNewTokens, promptSet, setModels } from '../../src/app/compare-state.ts';
import { outlooks } from '../../src/app/outlook.ts';
import { chooseTemplate, runBackend, runPrecision } from '../../src/app/run-wish.ts';
import { AppError } from '../../src/core/errors.ts';
import type { FolderDescription } from '../../src/files/folder.ts';
import type { ModelPreview, ModelWish } from '../../src/model/generation.ts';
import { emptyFolder } from './fake-host.ts';

const SIZE = { weights: 1, cache: 1, work: 1, widened: 0, runtime: 1, total: 4 };
const asked: string[] = [];

vi.mock('../../src/app/engine.ts', () => ({
  modelHost: async () => ({
    async preview({ name }: FolderDescription, wish: ModelWish, work: object): Promise<ModelPreview> {
      asked.push(`${name} ${wish} ${JSON.stringify(work)}`);
      if (name === 'strange') throw new AppError('family-unsupported', 'No mamba here.', 'Merge it.');
      if (name === 'adapter') throw new AppError('file-missing', 'No config.json.', 'Open a model.');
      const backend = wish === 'webgpu' && name !== 'cardless' ? 'webgpu' : 'wasm';
      const memory = { f32: SIZE, int8: SIZE, ...(backend === 'webgpu' && { f16: SIZE }) };
      return { modelType: 'llama', parameters: 1, hasTemplate: name !== 'base', backend, memory };
    },
  }),
}));

const seen = (count: number) => vi.waitFor(() => expect(outlooks.value.size).toBe(count));
const prompts = (count: number, text = 'How?') => {
  promptSet.value = { name: 's', items: Array.from({ length: count }, (_, i) => ({ id: String(i), prompt: text })) };
};

beforeEach(async () => {
  setModels([]);
  await seen(0);
  promptSet.value = undefined;
  maxNewTokens.value = 48;
  runBackend.value = 'wasm';
  runPrecision.value = 'f32';
  asked.length = 0;
});

test('a comparison wants models and prompts', () => {
  expect(lack.value).toEqual({ what: 'both' });
  prompts(1);
  expect(lack.value).toEqual({ what: 'models' });
  addModel(emptyFolder('sft'));
  expect(lack.value).toBeUndefined();
});

test('a model that cannot run stops it by name, and nothing else is said before it is gone', async () => {
  const [fine, strange] = [emptyFolder('sft'), emptyFolder('strange')];
  setModels([fine, strange]);
  await seen(2);
  expect(outlooks.value.get(strange)!.problem).toMatchObject({ code: 'family-unsupported', message: 'No mamba here.' });
  expect(lack.value).toEqual({ what: 'fitness', model: 'strange', others: true });
  setModels([fine]);
  expect(lack.value).toEqual({ what: 'prompts' });
});

test('a model without a template waits for a choice, which is made for it alone', async () => {
  const [base, second] = [emptyFolder('base'), emptyFolder('base')];
  setModels([base, second]);
  prompts(1);
  await seen(2);
  expect(lack.value).toEqual({ what: 'template', model: 'base', others: true });
  chooseTemplate(base, 'chatml');
  expect(lack.value).toMatchObject({ what: 'template', model: 'base (2)' });
  chooseTemplate(second, 'plain');
  expect(lack.value).toBeUndefined();
});

test('a merge is looked at by its fine-tune, or by what an adapter is folded into', async () => {
  const inputs = { sft: emptyFolder('adapter'), aligned: emptyFolder('aligned'), unaligned: emptyFolder('unaligned') };
  const merge = {
    kind: 'merge' as const,
    name: 'm',
    request: { recipe: { version: 1, method: 'resta', g: 0 }, inputs },
  };
  setModels([merge as Parameters<typeof setModels>[0][number]]);
  await seen(1);
  expect([...outlooks.value.values()][0]!.preview).toMatchObject({ modelType: 'llama' });
});

test('halves are offered where every model can have them; a card that is not there is told', async () => {
  prompts(1);
  setModels([emptyFolder('sft')]);
  await seen(1);
  expect(halvesOffered.value).toBe(false);
  runPrecision.value = 'f16';
  expect(lack.value).toEqual({ what: 'halves' });
  runBackend.value = 'webgpu';
  await vi.waitFor(() => expect(halvesOffered.value).toBe(true));
  expect(lack.value).toBeUndefined();
  addModel(emptyFolder('cardless'));
  await seen(2);
  expect([cardMissing.value, halvesOffered.value]).toEqual([true, false]);
  expect(lack.value).toEqual({ what: 'card' });
});

test('what is asked decides what is reckoned: prompts at a time, and the longest of them with its answer', async () => {
  expect([workBatch.value, workLength.value]).toEqual([32, 128]);
  setModels([emptyFolder('sft')]);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  prompts(5, 'x'.repeat(3000));
  expect([workBatch.value, workLength.value]).toEqual([5, 1088]);
  await vi.waitFor(() => expect(asked.at(-1)).toBe('sft wasm {"batchSize":5,"length":1088}'));
});
