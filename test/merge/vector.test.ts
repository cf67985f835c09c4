/** A safety vector kept and used again is worth the two models it was made of. */

import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { type FolderDescription, openFolder } from '../../src/files/folder.ts';
import { inspectFolder } from '../../src/files/inspect.ts';
import { isVector, openVector } from '../../src/files/vector.ts';
import { prepareMerge } from '../../src/merge/plan/prepare.ts';
import { mergeCard } from '../../workers/merge-card.ts';
import { folderOf, safetensorsFile } from '../files/build.ts';
import { CONFIG, family, fileText, tensorsOf } from './family.ts';
import { dare, merge, resta } from './merging.ts';

async function vectorOf(changes: Parameters<typeof resta>[1] = {}, inputs = family()): Promise<FolderDescription> {
  const { aligned, unaligned } = inputs;
  const { result } = await merge(resta(1, { output: 'vector', ...changes }), { inputs: { aligned, unaligned } });
  return { ...result.folder!, name: 'vector' };
}

describe('a saved safety vector', () => {
  test.each([
    ['RESTA', resta(0.7)],
    ['RESTA_d', dare()],
    ['RESTA_d that drops nothing', dare({ p: 0 })],
    ['RESTA into another type', resta(0.7, { outputDtype: 'F16' })],
    ['RESTA by module', resta(0.7, { scales: [{ match: '*mlp*', g: 0.2 }] })],
  ])('gives the very bytes that its two models give: %s', async (_, recipe) => {
    const { sft, aligned } = family();
    const direct = await merge(recipe);
    const inputs = { sft, ...(recipe.method === 'resta_d' ? { aligned } : {}), vector: await vectorOf() };
    const saved = await merge(recipe, { inputs });
    expect(saved.tensors).toEqual(direct.tensors);
    expect(saved.result.changed).toBe(direct.result.changed);
  });

  test('comes in several files like a model', async () => {
    const vector = await vectorOf({ shardBytes: 300 });
    const paths = vector.kind === 'files' ? vector.files.map(({ path }) => path) : [];
    expect(paths).toContain('vector-00001-of-00004.safetensors');
    expect(paths).toContain('vector.safetensors.index.json');
    expect(paths).not.toContain('config.json');
    expect(paths).not.toContain('tokenizer.json');
    const { sft } = family();
    const { tensors } = await merge(resta(1), { inputs: { sft, vector } });
    expect(tensors).toEqual((await merge(resta(1))).tensors);
  });

  test('is known as one when it is opened', async () => {
    const folder = openFolder(await vectorOf());
    expect(await isVector(folder)).toBe(true);
    expect(await openVector(folder)).toMatchObject({ kind: 'vector', modelType: 'llama', dtypes: { F32: 4 } });
    expect(await inspectFolder(folder)).toMatchObject({ kind: 'vector', tensors: 4, modelType: 'llama' });
  });

  test('leaves out what the recipe leaves out, and what is the same in both models', async () => {
    const equal = family({ unaligned: { tensors: [...tensorsOf(33).slice(0, 3), ...tensorsOf(22).slice(3)] } });
    const { tensors } = await openVector(openFolder(await vectorOf({ exclude: ['*embed*'] }, equal)));
    expect([...tensors.keys()].sort()).toEqual([
      'model.layers.0.mlp.up_proj.weight',
      'model.layers.0.self_attn.q_proj.weight',
      // Equal numbers in two files: zeros, which are kept. Only an adapter tells beforehand that nothing changed.
      'model.norm.weight',
    ]);
  });

  test('may be smaller and rounded', async () => {
    const { dtypes } = await openVector(openFolder(await vectorOf({ outputDtype: 'BF16' })));
    expect(dtypes).toEqual({ BF16: 4 });
  });

  test('does not fit another family', async () => {
    const config = { ...CONFIG, model_type: 'qwen2' };
    const others = family({ aligned: { config }, unaligned: { config } });
    const error = await prepareMerge({
      recipe: resta(1),
      inputs: { sft: family().sft, vector: await vectorOf({}, others) },
    }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'architecture-mismatch',
      message: expect.stringMatching(/the vector is qwen2/),
    });
  });

  test('has a card that says it is no model', async () => {
    const { aligned, unaligned } = family();
    const { plan, shards } = await merge(resta(1, { output: 'vector' }), { inputs: { aligned, unaligned } });
    const card = mergeCard(plan, shards);
    expect(card).toContain('# A safety vector');
    expect(card).toContain('`vector = aligned − unaligned`');
    expect(card).toMatch(/Stored in float32/);
    expect(card).not.toMatch(/library_name/);
  });

  test('is recorded as the input it was', async () => {
    const { result } = await merge(resta(1), { inputs: { sft: family().sft, vector: await vectorOf() } });
    const record = JSON.parse(await fileText(result.folder, 'merge.json')) as Record<string, unknown>;
    expect(record).toMatchObject({ formula: 'sft + g × vector', inputs: { vector: { kind: 'vector' } } });
  });

  test.each([
    ['without a word about itself', {}],
    ['of a format that is not ours', { kind: 'safety-vector', config: '[]' }],
    ['with a description that is no JSON', { kind: 'safety-vector', config: '{' }],
    ['with a description of megabytes', { kind: 'safety-vector', config: `{"model_type":"${'x'.repeat(20000)}"}` }],
  ])('%s is refused', async (_, metadata) => {
    const file = safetensorsFile(tensorsOf(1), metadata as Record<string, string>);
    const error = await openVector(openFolder(folderOf('v', { 'vector.safetensors': file }))).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'vector-invalid' });
  });

  test('that lacks one of its files is refused', async () => {
    const vector = await vectorOf({ shardBytes: 300 });
    const files = vector.kind === 'files' ? vector.files.filter(({ path }) => !path.includes('00002')) : [];
    const error = await openVector(openFolder({ kind: 'files', name: 'v', files })).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'file-missing', message: '“v” holds 3 of the 4 files of a safety vector.' });
  });
});
