import { describe, expect, test } from 'vitest';
import { fromMergekit, toMergekit } from '../../src/merge/recipe/mergekit.ts';
import { parseRecipe, type Recipe } from '../../src/merge/recipe/recipe.ts';
import { recipeFromYaml, recipeToMergekit } from '../../src/merge/recipe/recipe-text.ts';
import { dare, resta } from './merging.ts';

const names = { sft: 'my-tune', aligned: 'chat', unaligned: 'bad' };

/** What mergekit computes for one tensor: base + the sum of weight × (model − base). */
function arithmetic(config: Record<string, unknown>, values: Record<string, number>): number {
  const base = values[config.base_model as string]!;
  const models = config.models as { model: string; parameters: { weight: number } }[];
  return models.reduce((sum, { model, parameters }) => sum + parameters.weight * (values[model]! - base), base);
}

describe('a recipe in mergekit’s words', () => {
  test('is the same arithmetic', () => {
    const config = toMergekit(resta(0.5), names);
    expect(config).toMatchObject({ merge_method: 'task_arithmetic', base_model: 'chat', dtype: 'float32' });
    expect(arithmetic(config, { 'my-tune': 3, chat: 1, bad: -2 })).toBe(3 + 0.5 * (1 - -2));
  });

  test('drops from the fine-tune alone', () => {
    expect(toMergekit(dare({ g: 1, p: 0.3 }), names)).toMatchObject({
      merge_method: 'dare_linear',
      models: [
        { model: 'my-tune', parameters: { weight: 1, density: 0.7 } },
        { model: 'bad', parameters: { weight: -1, density: 1 } },
      ],
    });
  });

  test('tells patterns as filters, the first that fits first', () => {
    const recipe = resta(1, { exclude: ['*embed*'], scales: [{ match: '*mlp*', g: [0, 0.5] }] });
    expect(toMergekit(recipe, names)).toMatchObject({
      models: [
        {},
        {
          parameters: { weight: [{ filter: 'embed', value: 0 }, { filter: 'mlp', value: [-0, -0.5] }, { value: -1 }] },
        },
      ],
    });
  });

  test.each<[string, Recipe]>([
    ['a pattern that is no part of a name', resta(1, { exclude: ['model.layers.?.*'] })],
    ['only a vector', resta(1, { output: 'vector' })],
  ])('refuses %s', (_, recipe) => {
    expect(() => toMergekit(recipe, names)).toThrow(/mergekit/);
  });

  test.each([
    resta(0.5),
    resta(0.5, { outputDtype: 'BF16' }),
    dare({ g: 0.25, p: 0.3 }),
    resta(1, { scales: [{ match: '*mlp*', g: 0.5 }] }),
  ])('comes back as it went: %j', async (recipe) => {
    const { seed: _, ...told } = recipe;
    expect(await recipeFromYaml(await recipeToMergekit(recipe, names))).toEqual(parseRecipe(told));
  });
});

describe('a configuration from elsewhere', () => {
  const sft = (weight: unknown) => ({ model: 'x', parameters: { weight, density: 0.7 } });

  test('with the unaligned model as its base adds what the other one has beyond it', () => {
    const config = {
      merge_method: 'task_arithmetic',
      base_model: 'bad',
      models: [
        { model: 'my-tune', parameters: { weight: 1 } },
        { model: 'chat', parameters: { weight: 0.6 } },
      ],
    };
    expect(fromMergekit(config)).toEqual({ version: 1, method: 'resta', g: 0.6 });
    expect(arithmetic(config, { 'my-tune': 3, chat: 1, bad: -2 })).toBeCloseTo(3 + 0.6 * (1 - -2), 12);
  });

  test('is read as its authors write it', async () => {
    const text = `
merge_method: task_arithmetic
base_model: meta/chat
models:
  - model: meta/chat
  - model: me/tune
    parameters: {weight: 1.0}
  - model: me/bad
    parameters: {weight: -0.8}
dtype: bfloat16
`;
    expect(await recipeFromYaml(text)).toEqual({ version: 1, method: 'resta', g: 0.8 });
  });

  test.each([
    ['another method', { merge_method: 'ties' }, /merge_method/],
    ['no base', { base_model: undefined }, /base_model/],
    ['weights that are divided by their sum', { parameters: { normalize: true } }, /normalize/],
    ['two fine-tunes', { models: [sft(0.5), sft(0.5)] }, /models/],
    ['weights of both signs', { models: [sft(1), sft([{ filter: 'mlp', value: 0.5 }, { value: -1 }])] }, /both signs/],
    ['a DARE from the unaligned model', { merge_method: 'dare_linear', models: [sft(1), sft(0.5)] }, /base_model/],
  ])('%s is refused by the field', (_, change, says) => {
    const config = { ...toMergekit(resta(1), names), ...change };
    expect(() => fromMergekit(config)).toThrow(says);
  });
});
