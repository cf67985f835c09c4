/** A safety vector kept and used again is worth the two models it was made of. */

import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { type FolderDescription, openFolder } from '../../src/files/folder.ts';
import { inspectFolder } from '../../src/files/inspect.ts';
import { isVector, openVector } from '../../src/files/vector.ts';
import { prepareMerge } from '../../src/merge/plan/prepare.ts';
import { mergeCard } from '../../workers/merge-card.ts';
import { folderOf, safetensorsFile } from '../files/build.ts';
import { CONFIG, family, fileText, TENSORS, tensorsOf } from './family.ts';
import { dare, merge, resta } from './merging.ts';

async function vectorOf(changes: Parameters<typeof resta>[1] = {}, inputs = family()): Promise<FolderDescription> {
  const { aligned, unaligned } = inputs;
  const { result } = await merge(resta(1, { output: 'vector', ...changes }), { inputs: { aligned, unaligned } });
  return { ...result.folder!, name: 'vector' };
}

const withRows = (rows: number) =>
  TENSORS.map(([name, dtype, shape]) => [name, dtype, /embed/.test(name) ? [rows, 6] : shape]) as typeof TENSORS;

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

  test('has no rows for words that only the aligned model knows', async () => {
    const inputs = family({ aligned: { tensors: tensorsOf(22, withRows(40)) } });
    const { tensors } = await openVector(openFolder(await vectorOf({}, inputs)));
    expect(tensors.get('model.embed_tokens.weight')?.shape).toEqual([37, 6]);
    const saved = await merge(resta(0.7), { inputs: { sft: inputs.sft, vector: await vectorOf({}, inputs) } });
    expect(saved.tensors).toEqual((await merge(resta(0.7), { inputs })).tensors);
  });

  test('that leaves the head out leaves it as it is: a config that does not speak of ties is not taken for a tie', async () => {
    const specs = [...TENSORS, ['lm_head.weight', 'F16', [37, 6]]] as typeof TENSORS;
    const inputs = family({
      sft: { tensors: tensorsOf(11, specs) },
      aligned: { tensors: tensorsOf(22, specs) },
      unaligned: { tensors: tensorsOf(33, specs) },
    });
    const vector = await vectorOf({ exclude: ['lm_head*'] }, inputs);
    const saved = await merge(resta(0.7), { inputs: { sft: inputs.sft, vector } });
    expect(saved.tensors).toEqual((await merge(resta(0.7, { exclude: ['lm_head*'] }), { inputs })).tensors);
  });

  test('is no base for an adapter: that lies on the aligned model', async () => {
    const low = (part: string, shape: number[]) => ({
      name: `base_model.model.model.layers.0.self_attn.q_proj.lora_${part}.weight`,
      dtype: 'F32' as const,
      shape,
      bytes: new Uint8Array(48),
    });
    const sft = folderOf('adapter', {
      'adapter_config.json': { peft_type: 'LORA', r: 2, lora_alpha: 2, target_modules: ['q_proj'] },
      'adapter_model.safetensors': safetensorsFile([low('A', [2, 6]), low('B', [6, 2])]),
    });
    await expect(prepareMerge({ recipe: resta(1), inputs: { sft, vector: await vectorOf() } })).rejects.toMatchObject({
      code: 'recipe-invalid',
      data: { missing: ['aligned'] },
    });
  });

  test('of nothing is refused instead of written', async () => {
    const { aligned, unaligned } = family();
    const recipe = resta(1, { output: 'vector', include: ['*position_ids'] });
    const error = await prepareMerge({ recipe, inputs: { aligned, unaligned } }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'recipe-invalid',
      message: expect.stringMatching(/what it writes is nothing/),
    });
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
