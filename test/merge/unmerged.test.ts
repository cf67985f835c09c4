/** What a merge is made of, before it is added up: adding it up at any strength gives the merged file's bytes. */

import { describe, expect, test, vi } from 'vitest';
import { decodeFloats, dtypeBytes, encodeFloats } from '../../src/core/dtype.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import type { openInputs } from '../../src/merge/inputs/reader.ts';
import type { Recipe } from '../../src/merge/recipe/recipe.ts';
import type { MergeInputs } from '../../src/merge/recipe/request.ts';
import { openUnmerged } from '../../src/merge/run/unmerged.ts';
import { family, fileText, TENSORS, tensorsOf } from './family.ts';
import { dare, FIXTURES, loadFolder, merge, resta } from './merging.ts';

const { files } = vi.hoisted(() => ({ files: { closed: 0 } }));

vi.mock('../../src/merge/inputs/reader.ts', async (original) => {
  const real = await original<{ openInputs: typeof openInputs }>();
  const counted: typeof openInputs = (...given) => {
    const reader = real.openInputs(...given);
    const close = () => {
      files.closed++;
      return reader.close();
    };
    return { ...reader, close };
  };
  return { ...real, openInputs: counted };
});

/** Bytes of every float tensor at a strength, added up by the oracle and rounded to the stored type; nothing is added at 0. */
async function addedUp(recipe: Recipe, inputs: MergeInputs, g: number): Promise<Map<string, Uint8Array>> {
  const unmerged = await openUnmerged({ recipe, inputs }, referenceKernels);
  const names = new Set(unmerged.tensors.keys());
  const found = new Map<string, Uint8Array>();
  for await (const { tensor, firstElement, weights, vector } of unmerged.pieces(names)) {
    const { dtype, shape } = unmerged.tensors.get(tensor)!;
    const size = dtypeBytes(dtype);
    const whole = found.get(tensor) ?? new Uint8Array(size * shape.reduce((product, n) => product * n, 1));
    found.set(tensor, whole);
    const strength = unmerged.strengthOf(g, tensor);
    const combined = strength === 0 ? 0 : vector.byteLength;
    const base = { dtype: 'F32', bytes: weights.subarray(0, combined) } as const;
    const out = { dtype, bytes: whole.subarray(size * firstElement, size * (firstElement + combined / 4)) };
    const op = { kind: 'add-scaled', scale: strength } as const;
    await referenceKernels.apply(op, [base, { dtype: 'F32', bytes: vector.subarray(0, combined) }], out, 0);
    const rest = decodeFloats(weights.subarray(combined), 'F32');
    whole.set(encodeFloats(rest, dtype), size * (firstElement + combined / 4));
  }
  return found;
}

const withRows = (rows: number) =>
  TENSORS.map(([name, dtype, shape]) => [name, dtype, /embed/.test(name) ? [rows, 6] : shape]) as typeof TENSORS;

async function vectorInputs(): Promise<MergeInputs> {
  const { sft, aligned, unaligned } = family();
  const { result } = await merge(resta(1, { output: 'vector' }), { inputs: { aligned, unaligned } });
  return { sft, vector: { ...result.folder!, name: 'vector' } };
}

const CASES: [string, Recipe, () => Promise<MergeInputs> | MergeInputs][] = [
  ['three models', resta(1), family],
  ['a saved vector', resta(1), vectorInputs],
  ['words that only the fine-tune has', resta(1), () => family({ sft: { tensors: tensorsOf(11, withRows(40)) } })],
  ['another type for the file', resta(1, { outputDtype: 'BF16' }), family],
  ['a strength of its own for some tensors', resta(1, { scales: [{ match: '*mlp*', g: 0.2 }] }), family],
  ['tensors that stay as they are', resta(1, { exclude: ['*embed*'] }), family],
  ['several files', resta(1, { shardBytes: 300 }), family],
  ['RESTA_d that drops nothing', dare({ p: 0 }), family],
];

describe.each(CASES)('a merge of %s', (_, recipe, inputs) => {
  test.each([0, 0.3, 1.7])('is its parts, added up, at g = %s', async (g) => {
    const given = await inputs();
    const { tensors } = await merge({ ...recipe, g }, { inputs: given });
    const floats = new Map([...tensors].filter(([name]) => name !== 'model.position_ids'));
    const found = await addedUp(recipe, given, g);
    expect(new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))).toEqual(floats);
  });
});

test('a LoRA is folded into the weights', async () => {
  const inputs = {
    sft: loadFolder(`${FIXTURES}/lora-kinds/dora`),
    aligned: loadFolder(`${FIXTURES}/lora-kinds/llama`),
    unaligned: loadFolder(`${FIXTURES}/lora-kinds/patterns`),
  };
  const { tensors } = await merge(resta(0.5), { inputs });
  expect(await addedUp(resta(1), inputs, 0.5)).toEqual(tensors);
});

test('everything around the weights is the merged model’s', async () => {
  const { folder, config } = await openUnmerged({ recipe: resta(0.5), inputs: family() }, referenceKernels);
  const { result } = await merge(resta(0.5));
  for (const file of ['config.json', 'tokenizer.json', 'generation_config.json'])
    expect(await fileText(folder, file)).toBe(await fileText(result.folder, file));
  expect(JSON.stringify(config)).toBe(JSON.stringify(JSON.parse(await fileText(result.folder, 'config.json'))));
});

test('only wanted tensors are read', async () => {
  const { pieces } = await openUnmerged({ recipe: resta(1), inputs: family() }, referenceKernels);
  const seen: string[] = [];
  for await (const { tensor } of pieces(new Set(['model.norm.weight']))) seen.push(tensor);
  expect(seen).toEqual(['model.norm.weight']);
});

test('the files are let go of at the end, and by who stops in the middle', async () => {
  const { pieces, tensors } = await openUnmerged({ recipe: resta(1), inputs: family() }, referenceKernels);
  files.closed = 0;
  for await (const _ of pieces(new Set(tensors.keys()))) break;
  expect(files.closed).toBe(1);
  for await (const _ of pieces(new Set(['model.norm.weight']))) expect(files.closed).toBe(1);
  expect(files.closed).toBe(2);
});

test('a method that is not weights plus g times a vector is refused', async () => {
  const opening = openUnmerged({ recipe: dare(), inputs: family() }, referenceKernels);
  await expect(opening).rejects.toMatchObject({ code: 'recipe-invalid', data: { method: 'resta_d' } });
});
