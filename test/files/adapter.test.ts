import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAdapter, openAdapter } from '../../src/files/adapter.ts';
import { inspectFolder } from '../../src/files/inspect.ts';
import { type FileContent, openedFolder, safetensorsFile, type TestTensor } from './build.ts';

const LORA = join(import.meta.dirname, '../fixtures/files/lora');
const config = JSON.parse(readFileSync(join(LORA, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
const weights = new Uint8Array(readFileSync(join(LORA, 'adapter_model.safetensors')));
const folder = (changes: Record<string, unknown> = {}, bytes: FileContent = weights) =>
  openedFolder('my-lora', { 'adapter_config.json': { ...config, ...changes }, 'adapter_model.safetensors': bytes });

const matrix = (name: string, shape: number[], dtype: TestTensor['dtype'] = 'F32'): TestTensor => {
  const bytes = shape.reduce((product, n) => product * n, dtype === 'F32' ? 4 : 8);
  return { name: `base_model.model.${name}`, dtype, shape, bytes: new Uint8Array(bytes) };
};
const pair = (module: string, rank = 4) => [
  matrix(`${module}.lora_A.weight`, [rank, 6]),
  matrix(`${module}.lora_B.weight`, [5, rank]),
];

describe('an adapter saved by PEFT', () => {
  test('targets the tensors of its base model', async () => {
    const adapter = await openAdapter(folder());
    const expected = [0, 1].flatMap((layer) =>
      ['mlp.down_proj', 'self_attn.q_proj', 'self_attn.v_proj'].map(
        (module) => `model.layers.${layer}.${module}.weight`,
      ),
    );
    expect([...adapter.targets.keys()].sort()).toEqual(expected);
    expect(await isAdapter(folder())).toBe(true);
  });

  test('scales by alpha over the square root of the rank, with the patterns of its configuration', async () => {
    const { targets } = await openAdapter(folder());
    const scale = (name: string) => targets.get(`model.layers.${name}.weight`)!.scale;
    // make.py: r 4, alpha 6, rslora; layer 1's q_proj has rank 2; layer 0's v_proj has alpha 3.
    expect(scale('0.self_attn.q_proj')).toBe(6 / Math.sqrt(4));
    expect(scale('1.self_attn.q_proj')).toBe(6 / Math.sqrt(2));
    expect(scale('0.self_attn.v_proj')).toBe(3 / Math.sqrt(4));
    expect(scale('1.self_attn.v_proj')).toBe(6 / Math.sqrt(4));
  });

  test('scales by alpha over the rank without rslora', async () => {
    const { targets } = await openAdapter(folder({ use_rslora: false }));
    expect(targets.get('model.layers.0.self_attn.q_proj.weight')!.scale).toBe(6 / 4);
  });

  test('tells its base model when inspected', async () => {
    expect(await inspectFolder(folder())).toMatchObject({
      kind: 'adapter',
      modelType: 'lora',
      architecture: 'tiny-llama',
      tensors: 12,
      problems: [],
    });
  });
});

describe('what scale * B @ A does not describe is refused by name', () => {
  test.each<[string, Record<string, unknown>]>([
    ['use_dora', { use_dora: true }],
    ['modules_to_save', { modules_to_save: ['lm_head'] }],
    ['lora_bias', { lora_bias: true }],
    ['bias', { bias: 'all' }],
    ['peft_type', { peft_type: 'LOHA' }],
    ['init_lora_weights', { init_lora_weights: 'pissa_niter_16' }],
    ['layer_replication', { layer_replication: [[0, 2]] }],
  ])('%s', async (option, changes) => {
    await expect(openAdapter(folder(changes))).rejects.toMatchObject({
      name: 'AppError',
      code: 'adapter-unsupported',
      message: expect.stringContaining(option),
      hint: expect.stringContaining('merge_and_unload'),
    });
  });

  test.each([
    ['DoRA', matrix('q_proj.lora_magnitude_vector', [5])],
    ['embeddings', matrix('embed_tokens.lora_embedding_A', [4, 6])],
    ['something other', matrix('lm_head.weight', [5, 6])],
    ['not a linear layer', matrix('conv.lora_A.weight', [4, 3, 3])],
  ])('tensors of %s', async (what, tensor) => {
    const bytes = safetensorsFile([...pair('q_proj'), tensor, matrix('conv.lora_B.weight', [5, 4, 1])]);
    await expect(openAdapter(folder({}, bytes))).rejects.toMatchObject({
      code: 'adapter-unsupported',
      message: expect.stringContaining(what),
    });
  });

  test('while options that are off stay harmless', async () => {
    const off = {
      modules_to_save: [],
      use_dora: false,
      lora_bias: false,
      init_lora_weights: 'gaussian',
      trainable_token_indices: null,
    };
    await expect(openAdapter(folder(off))).resolves.toBeDefined();
  });
});

describe('a damaged adapter is refused', () => {
  test.each<[string, TestTensor[], Record<string, unknown>]>([
    ['half of a pair', pair('q_proj').slice(1), {}],
    ['a rank its configuration does not know', pair('q_proj', 3), {}],
    ['matrices that do not fit each other', [pair('q_proj', 4)[0]!, pair('q_proj', 2)[1]!], {}],
    ['integers for matrices', [matrix('q.lora_A.weight', [4, 6], 'I64'), matrix('q.lora_B.weight', [5, 4], 'I64')], {}],
    ['no matrices', [], {}],
    ['no alpha', pair('q_proj'), { lora_alpha: undefined }],
    ['an infinite alpha', pair('q_proj'), { lora_alpha: '1e999' }],
    ['a pattern that is no regular expression', pair('q_proj'), { rank_pattern: { '(': 4 } }],
    ['a pattern of a thousand characters', pair('q_proj'), { rank_pattern: { ['a+'.repeat(500)]: 4 } }],
  ])('%s', async (_, tensors, changes) => {
    await expect(openAdapter(folder(changes, safetensorsFile(tensors)))).rejects.toMatchObject({
      name: 'AppError',
      code: 'adapter-invalid',
    });
  });

  test('saved as a pickle', async () => {
    const opened = openAdapter(openedFolder('my-lora', { 'adapter_config.json': config, 'adapter_model.bin': 'x' }));
    await expect(opened).rejects.toMatchObject({
      code: 'format-unsupported',
      message: expect.stringContaining('adapter_model.bin'),
    });
  });
});
