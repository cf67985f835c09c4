import { describe, expect, test } from 'vitest';
import { dropThreshold } from '../../src/core/philox.ts';
import { appliedMethod, completeRecipe, METHODS } from '../../src/merge/recipe/methods.ts';
import { parseRecipe } from '../../src/merge/recipe/recipe.ts';
import { recipeFromYaml, recipeToYaml } from '../../src/merge/recipe/recipe-text.ts';

const plain = { version: 1, method: 'resta', g: 1 } as const;

describe('a recipe', () => {
  test('is taken as it is, fields in a fixed order', () => {
    const recipe = parseRecipe({
      shardBytes: 5e8,
      seed: 7,
      p: 0.3,
      g: 0.5,
      outputDtype: 'BF16',
      method: 'resta_d',
      convention: 'pre-alignment',
      version: 1,
    });
    expect(JSON.stringify(recipe)).toBe(
      '{"version":1,"method":"resta_d","g":0.5,"p":0.3,"seed":7,"convention":"pre-alignment","outputDtype":"BF16","shardBytes":500000000}',
    );
  });

  test('of plain RESTA forgets the seed it has no use for', () => {
    expect(parseRecipe({ ...plain, seed: 7, p: 0 })).toEqual(plain);
  });

  test.each<[string, unknown, string, RegExp]>([
    ['no object', 'resta', 'recipe', /named fields/],
    ['nothing', null, 'recipe', /named fields/],
    ['no method', { version: 1, g: 1 }, 'method', /is missing/],
    ['an unknown method', { ...plain, method: 'ties' }, 'method', /resta or resta_d/],
    ['a version of the future', { ...plain, version: 2 }, 'version', /must be 1/],
    ['a negative g', { ...plain, g: -0.5 }, 'g', /remove safety/],
    ['a g beyond float32', { ...plain, g: 1e39 }, 'g', /too large/],
    ['a g that is a text', { ...plain, g: '1' }, 'g', /number/],
    ['a g that is not a number', { ...plain, g: Number.NaN }, 'g', /number/],
    ['an infinite g', { ...plain, g: Number.POSITIVE_INFINITY }, 'g', /finite/],
    ['p = 1', { ...plain, method: 'resta_d', p: 1 }, 'p', /less than 1/],
    ['p below 0', { ...plain, method: 'resta_d', p: -0.1 }, 'p', /0 or more/],
    ['p where nothing is dropped', { ...plain, p: 0.3 }, 'p', /only resta_d/],
    ['half a seed', { ...plain, method: 'resta_d', seed: 0.5 }, 'seed', /whole/],
    ['a seed beyond exact integers', { ...plain, method: 'resta_d', seed: 2 ** 60 }, 'seed', /whole/],
    ['an unknown convention', { ...plain, convention: 'evil' }, 'convention', /harm-tuned/],
    ['an unknown output type', { ...plain, outputDtype: 'F64' }, 'outputDtype', /BF16/],
    ['shards of no bytes', { ...plain, shardBytes: 0 }, 'shardBytes', /1 or more/],
    ['a misspelt field', { ...plain, gamma: 2 }, 'gamma', /not a field/],
  ])('with %s is refused by the name of the field', (_, value, field, says) => {
    expect(() => parseRecipe(value)).toThrow(
      expect.objectContaining({
        name: 'AppError',
        code: 'recipe-invalid',
        message: expect.stringMatching(says),
        data: { field },
      }),
    );
  });
});

describe('a recipe as text', () => {
  test('survives the way to YAML and back', async () => {
    const recipe = parseRecipe({ version: 1, method: 'resta_d', g: 0.75, p: 0.3, seed: 7 });
    const text = await recipeToYaml(recipe);
    expect(text).toBe('version: 1\nmethod: resta_d\ng: 0.75\np: 0.3\nseed: 7\n');
    expect(await recipeFromYaml(text)).toEqual(recipe);
  });

  test.each([
    ['that is no YAML', 'g: [1\nmethod: resta', /line/],
    ['that is another document', '- a\n- b', /named fields/],
    ['with aliases', 'a: &x [1]\nb: *x\n', /aliases/],
    ['that is far too long', `version: 1\n${'#'.repeat(200_000)}`, /characters/],
    ['that is empty', '', /named fields/],
    ['with a key twice', 'version: 1\nmethod: resta\ng: 1\ng: 2\n', /DUPLICATE_KEY/],
  ])('%s is refused', async (_, text, says) => {
    await expect(recipeFromYaml(text)).rejects.toMatchObject({
      code: 'recipe-invalid',
      message: expect.stringMatching(says),
    });
  });
});

describe('the table of methods', () => {
  test('gives every row a label, a meaning, a paper and parameters whose defaults lie in their range', () => {
    for (const row of Object.values(METHODS)) {
      expect(`${row.label}${row.summary}${row.paper.title}${row.paper.url}`).not.toContain('undefined');
      for (const { default: value, min, max, step } of row.parameters) {
        expect(value).toBeGreaterThanOrEqual(min);
        expect(value).toBeLessThanOrEqual(max);
        expect(step).toBeGreaterThan(0);
      }
    }
  });

  test('holds the defaults of the paper: g = 1 as released, p = 0.3', () => {
    expect(completeRecipe({ version: 1, method: 'resta_d', g: 1 })).toEqual({
      version: 1,
      method: 'resta_d',
      g: 1,
      p: 0.3,
      seed: 0,
    });
  });

  test('turns RESTA into sft + g * (aligned - unaligned)', () => {
    expect(METHODS.resta.op(plain, 0.5, 'w', false)).toEqual({ kind: 'add-scaled-difference', scale: 0.5 });
  });

  test('turns RESTA_d without dropping into plain RESTA', () => {
    expect(appliedMethod({ ...plain, method: 'resta_d', p: 0 }).id).toBe('resta');
    expect(appliedMethod({ ...plain, method: 'resta_d', p: 0.1 }).id).toBe('resta_d');
  });

  test('keys the mask by seed and tensor', () => {
    const streams = [
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ].map(([tensor, seed]) =>
      METHODS.resta_d.op({ ...plain, method: 'resta_d', p: 0.25, seed: seed as number }, 1, tensor as string, false),
    );
    expect(new Set(streams.map((op) => JSON.stringify(op))).size).toBe(3);
    expect(streams[0]).toMatchObject({ kind: 'drop-and-add-scaled-difference', rate: 0.25 });
    expect(dropThreshold(0.25)).toBe(2 ** 30);
  });
});
