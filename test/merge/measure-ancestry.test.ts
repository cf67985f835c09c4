/** Whether two models share an ancestor: the built-in family does, two models of random numbers do not. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeFloats } from '../../src/core/dtype.ts';
import { openAdapter } from '../../src/files/adapter/adapter.ts';
import { openCheckpoint } from '../../src/files/checkpoint.ts';
import { type FolderDescription, openFolder } from '../../src/files/folder.ts';
import type { MergeCheckpoints } from '../../src/merge/inputs/inputs.ts';
import { openInputs } from '../../src/merge/inputs/reader.ts';
import { type AncestryPair, ancestryPairs, kinshipOf, sampleAncestry } from '../../src/merge/measure/ancestry.ts';
import { folderOf, safetensorsFile } from '../files/build.ts';
import { CONFIG, type TENSORS, tensorsOf } from './family.ts';
import { FIXTURES, loadFolder, ROOT } from './merging.ts';

async function compare(aligned: FolderDescription, sft: FolderDescription) {
  const checkpoints: MergeCheckpoints = {
    aligned: await openCheckpoint(openFolder(aligned)),
    sft: await openCheckpoint(openFolder(sft)),
  };
  const planned = (role: 'sft' | 'aligned') => ({
    name: role,
    kind: 'model' as const,
    files: checkpoints[role]!.shards,
  });
  const reader = openInputs({ inputs: { sft: planned('sft'), aligned: planned('aligned') } }, { sft, aligned });
  const pairs = ancestryPairs(checkpoints, 'sft', 'aligned');
  return { pairs, ancestry: (await sampleAncestry(reader, pairs))! };
}

const demo = (name: string) => loadFolder(join(ROOT, 'public/demo', name));

/** Random matrices, and norms of ones as every model has them. */
function randomModel(name: string, seed: number): FolderDescription {
  const shapes: typeof TENSORS = [
    ['model.embed_tokens.weight', 'BF16', [300, 40]],
    ['model.layers.0.self_attn.q_proj.weight', 'BF16', [40, 40]],
    ['model.layers.0.mlp.up_proj.weight', 'F32', [90, 40]],
  ];
  const ones = { name: 'model.norm.weight', dtype: 'F32' as const, shape: [4000], bytes: onesOf(4000) };
  return folderOf(name, {
    'config.json': CONFIG,
    'model.safetensors': safetensorsFile([...tensorsOf(seed, shapes), ones]),
  });
}

const onesOf = (count: number) => encodeFloats(new Float32Array(count).fill(1), 'F32');

describe('two models', () => {
  test('of the built-in family are related, though the fine-tune was trained hard', async () => {
    // numpy: cosines of the matrices from 0.9229 (the embedding) up, medians of relative norms 0.02 to 0.14.
    for (const name of ['sft', 'unaligned']) {
      const { ancestry } = await compare(demo('aligned'), demo(name));
      expect(ancestry.cosine, name).toBeGreaterThan(0.98);
      expect(ancestry.relativeNorm, name).toBeLessThan(0.2);
      expect(kinshipOf(ancestry), name).toBe('related');
    }
  });

  test('of random numbers are unrelated, though their norms are alike', async () => {
    const { pairs, ancestry } = await compare(randomModel('one', 5), randomModel('other', 6));
    expect(pairs.map(({ name }) => name)).not.toContain('model.norm.weight');
    expect(Math.abs(ancestry.cosine)).toBeLessThan(0.1);
    expect(ancestry.relativeNorm).toBeCloseTo(Math.SQRT2, 1);
    expect(kinshipOf(ancestry)).toBe('unrelated');
  });

  test('are compared by a sample of a few megabytes', async () => {
    const { pairs, ancestry } = await compare(demo('aligned'), demo('sft'));
    expect(pairs).toHaveLength(24);
    expect(ancestry.elements).toBeLessThanOrEqual(24 * 4 * 4096);
    expect(ancestry.tensors).toBe(24);
  });
});

/** A reader of two roles with the same element everywhere. */
const constant = (values: Record<string, number>) => ({
  elements: async ({ role }: { role: string }, _first: number, count: number) => ({
    dtype: 'F32' as const,
    bytes: encodeFloats(new Float32Array(count).fill(values[role]!), 'F32'),
  }),
});

const pairOf = (elements: number): AncestryPair => ({
  name: 'w',
  a: { role: 'sft', file: 'a', dtype: 'F32', start: 0, end: 4 * elements },
  b: { role: 'aligned', file: 'b', dtype: 'F32', start: 0, end: 4 * elements },
  elements,
});

test('a DoRA is not asked: its sample would need the norms of whole tensors', async () => {
  const load = (name: string) => openFolder(loadFolder(join(FIXTURES, 'lora-kinds', name)));
  const aligned = await openCheckpoint(load('llama'));
  const pairsOf = async (name: string) =>
    ancestryPairs({ aligned, sft: await openAdapter(load(name)) }, 'sft', 'aligned').length;
  expect(await pairsOf('dora')).toBe(0);
  expect(await pairsOf('whole-modules')).toBeGreaterThan(0);
});

describe('a pair of tensors', () => {
  test('has the cosine and the relative norm of its values', async () => {
    const found = await sampleAncestry(constant({ sft: 3, aligned: 2 }), [pairOf(10)]);
    expect(found).toEqual({ relativeNorm: 0.5, cosine: expect.closeTo(1, 12), elements: 10, tensors: 1 });
  });

  test('of zeros or of values that are no numbers says nothing', async () => {
    expect(await sampleAncestry(constant({ sft: 0, aligned: 0 }), [pairOf(10)])).toBeUndefined();
    expect(await sampleAncestry(constant({ sft: Number.NaN, aligned: 1 }), [pairOf(10)])).toBeUndefined();
    expect(await sampleAncestry(constant({}), [])).toBeUndefined();
  });
});

test('opposite, orthogonal and half-way models', () => {
  expect(kinshipOf({ cosine: -1 })).toBe('unrelated');
  expect(kinshipOf({ cosine: 0.01 })).toBe('unrelated');
  expect(kinshipOf({ cosine: 0.7 })).toBe('distant');
  expect(kinshipOf({ cosine: 0.95 })).toBe('related');
});
