/** Norms, cosines and histograms of both vectors against numpy's (test/fixtures/measure/make.py), and what must not change them. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeFloats } from '../../src/core/dtype.ts';
import type { Progress } from '../../src/core/progress.ts';
import type { FolderDescription } from '../../src/files/folder.ts';
import { type MeasureMode, type Measurement, measureVectors } from '../../src/merge/measure/measure.ts';
import type { DeltaStats, Stats } from '../../src/merge/measure/sums.ts';
import type { MergeInputs } from '../../src/merge/recipe/request.ts';
import { folderOf, safetensorsFile, type TestTensor } from '../files/build.ts';
import { CONFIG } from './family.ts';
import { FIXTURES, loadFolder, never, ROOT } from './merging.ts';

interface Expected {
  elements: number;
  baseNorm: number;
  finetune: Required<DeltaStats>;
  safety: Required<DeltaStats>;
  cosine: number | null;
}

const expected = JSON.parse(readFileSync(join(ROOT, 'test/fixtures/measure/expected.json'), 'utf8')) as {
  demo: {
    tensors: Record<string, Expected>;
    layers: Record<string, Expected>;
    modules: Record<string, Expected>;
    total: Expected;
    histograms: Measurement['histograms'];
  };
  adapter: Record<string, Required<DeltaStats>>;
};

const DEMO = join(ROOT, 'public/demo');
const demo: MergeInputs = {
  sft: loadFolder(join(DEMO, 'sft')),
  aligned: loadFolder(join(DEMO, 'aligned')),
  unaligned: loadFolder(join(DEMO, 'unaligned')),
};

const measure = (inputs: MergeInputs, mode: MeasureMode = 'exact', chunkBytes?: number, signal = never()) =>
  measureVectors(inputs, mode, chunkBytes === undefined ? {} : { chunkBytes }, () => {}, signal);

/** Float64 sums in another order differ in the last digits. */
function expectStats(stats: Stats | undefined, numbers: Expected): void {
  expect(stats?.elements).toBe(numbers.elements);
  expect(stats?.baseNorm).toBeCloseTo(numbers.baseNorm, 9);
  for (const part of ['finetune', 'safety'] as const) {
    for (const name of ['norm', 'relative', 'max', 'zeros'] as const)
      expect(stats?.[part]?.[name], `${part} ${name}`).toBeCloseTo(numbers[part][name], 9);
  }
  if (numbers.cosine === null) expect(stats).not.toHaveProperty('cosine');
  else expect(stats?.cosine).toBeCloseTo(numbers.cosine, 10);
}

/** What must be the same from run to run. */
const numbersOf = ({ seconds, bytesRead, ...rest }: Measurement) => rest;

describe('every weight of the built-in family', async () => {
  const found = await measure(demo);

  test('gives numpy’s numbers for each tensor', () => {
    expect(found.tensors.map(({ name }) => name)).toEqual(Object.keys(expected.demo.tensors));
    for (const { name, stats } of found.tensors) expectStats(stats, expected.demo.tensors[name]!);
  });

  test('gives numpy’s numbers for each layer, for modules and in all', () => {
    expect(found.layers.map(({ layer }) => layer)).toEqual([0, 1, 2, 3]);
    for (const { layer, stats } of found.layers) expectStats(stats, expected.demo.layers[layer]!);
    for (const [module, numbers] of Object.entries(expected.demo.modules))
      expectStats(found.modules.find((one) => one.module === module)?.stats, numbers);
    expectStats(found.total, expected.demo.total);
  });

  test('gives numpy’s histograms, to the last weight', () => {
    expect(found.histograms).toEqual(expected.demo.histograms);
  });

  test('has one cell for each module of each layer, in the order a token passes them', () => {
    expect(found.cells).toHaveLength(4 * 9);
    const cell = found.cells.find(({ layer, module }) => layer === 2 && module === 'mlp.up_proj');
    expectStats(cell?.stats, expected.demo.tensors['model.layers.2.mlp.up_proj.weight']!);
    const names = found.modules.map(({ module }) => module);
    expect([names[0], names.at(-1)]).toEqual(['embed_tokens', 'norm']);
    expect(names.indexOf('self_attn.q_proj')).toBeLessThan(names.indexOf('mlp.up_proj'));
    expect(found.modules.filter(({ layered }) => !layered).map(({ module }) => module)).toEqual([
      'embed_tokens',
      'norm',
    ]);
  });

  test('is the same to the last bit whatever is read at a time', async () => {
    for (const chunkBytes of [1998, 65_536])
      expect(numbersOf(await measure(demo, 'exact', chunkBytes))).toEqual(numbersOf(found));
  });

  test('tells how far it is, up to the end', async () => {
    const told: Progress[] = [];
    const { bytesRead } = await measureVectors(demo, 'exact', {}, (progress) => told.push(progress), never());
    expect(told.at(-1)).toMatchObject({ unit: 'bytes', done: bytesRead, total: bytesRead });
  });
});

describe('a sample', async () => {
  const found = await measure(demo, 'sampled');

  test('says what share it looked at', () => {
    expect(found.mode).toBe('sampled');
    // Only the embedding (196,608 weights) is larger than what is read of one tensor (65,536).
    const { elements, measured } = found.total;
    expect(elements).toBe(expected.demo.total.elements);
    expect(elements - measured).toBe(196_608 - 65_536);
  });

  test('is exact for small tensors and close for large ones', () => {
    for (const { name, stats } of found.tensors) {
      if (name !== 'model.embed_tokens.weight') expectStats(stats, expected.demo.tensors[name]!);
      const { finetune, safety } = expected.demo.tensors[name]!;
      expect(Math.abs(stats.finetune!.norm / finetune.norm - 1), name).toBeLessThan(0.05);
      expect(Math.abs(stats.safety!.norm / safety.norm - 1), name).toBeLessThan(0.05);
    }
  });

  test('counts histograms for the whole model', () => {
    const { counts, zeros } = found.histograms.safety!;
    const sum = counts.reduce((total, count) => total + count, zeros);
    expect(sum).toBeCloseTo(expected.demo.total.elements, 3);
  });
});

describe('a LoRA adapter', () => {
  const aligned = loadFolder(join(FIXTURES, 'sharded'));
  const lora = loadFolder(join(FIXTURES, 'lora'));

  test('as the fine-tune has the norms of PEFT’s folded weights, and is zero outside its targets', async () => {
    const found = await measure({ aligned, sft: lora });
    expect(found.histograms).not.toHaveProperty('safety');
    for (const { name, stats } of found.tensors) {
      const numbers = expected.adapter[name]!;
      // Folded in float32, in another order than PEFT does.
      expect(stats.finetune!.norm).toBeCloseTo(numbers.norm, 4);
      expect(stats.finetune!.max).toBeCloseTo(numbers.max, 4);
      if (numbers.norm === 0) expect(stats.finetune).toMatchObject({ norm: 0, zeros: 1 });
    }
  });

  test('as the unaligned model gives the opposite vector', async () => {
    const found = await measure({ aligned, sft: lora, unaligned: lora });
    expect(found.total.cosine).toBeCloseTo(-1, 12);
    expect(found.total.safety!.norm).toBe(found.total.finetune!.norm);
    const untouched = found.tensors.find(({ name }) => name.includes('up_proj'));
    expect(untouched?.stats).not.toHaveProperty('cosine');
  });
});

/** One tensor in each role. */
function model(name: string, ...tensors: [string, number[], number[]][]): FolderDescription {
  const built = tensors.map(
    ([tensor, shape, values]): TestTensor => ({
      name: tensor,
      dtype: 'F32',
      shape,
      bytes: encodeFloats(Float32Array.from(values), 'F32'),
    }),
  );
  return folderOf(name, { 'config.json': CONFIG, 'model.safetensors': safetensorsFile(built) });
}

describe('what does not fit', () => {
  test('values that are no numbers are counted and kept out of every sum', async () => {
    const found = await measure({
      sft: model('sft', ['w', [6], [Number.NaN, 5, 1, 4, 2, 1]]),
      aligned: model('aligned', ['w', [6], [1, Number.POSITIVE_INFINITY, 1, 1, 2, 0]]),
      unaligned: model('unaligned', ['w', [6], [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5, 2, 2]]),
    });
    // Left: deltas 3, 0, 1 and vectors -4, 0, -2 over weights 1, 2, 0.
    expect(found.total).toMatchObject({ nonFinite: 3, measured: 6 });
    expect(found.total.baseNorm).toBeCloseTo(Math.sqrt(5), 12);
    expect(found.total.finetune).toMatchObject({ max: 3 });
    expect(found.total.finetune!.norm).toBeCloseTo(Math.sqrt(10), 12);
    expect(found.total.safety!.norm).toBeCloseTo(Math.sqrt(20), 12);
    expect(found.total.cosine).toBeCloseTo(-14 / Math.sqrt(200), 12);
  });

  test('added words are left out: what both have is compared', async () => {
    const found = await measure({
      sft: model('sft', ['model.embed_tokens.weight', [3, 2], [1, 2, 3, 5, 100, 100]]),
      aligned: model('aligned', ['model.embed_tokens.weight', [2, 2], [1, 2, 3, 4]]),
    });
    expect(found.total).toMatchObject({ elements: 4, finetune: { norm: 1, zeros: 0.75 } });
  });

  test('tensors that one model lacks, or has in another shape, are named', async () => {
    const found = await measure({
      sft: model('sft', ['a', [2], [1, 2]], ['c', [2], [1, 2]]),
      aligned: model('aligned', ['a', [2], [1, 1]], ['b', [1], [1]], ['c', [1], [1]]),
    });
    expect(found.tensors.map(({ name }) => name)).toEqual(['a']);
    expect(found).toMatchObject({ skipped: ['b', 'c'], skippedCount: 2 });
  });

  test('a saved vector stands for aligned minus unaligned, and is zero where it has no tensor', async () => {
    const metadata = { kind: 'safety-vector', config: JSON.stringify(CONFIG) };
    const saved = (tensor: TestTensor) =>
      folderOf('saved', { 'vector.safetensors': safetensorsFile([tensor], metadata) });
    const w: TestTensor = { name: 'w', dtype: 'F32', shape: [2], bytes: encodeFloats(Float32Array.of(3, 4), 'F32') };
    const sft = model('sft', ['w', [2], [6, 8]], ['v', [1], [1]]);
    const alone = await measure({ sft, vector: saved(w) });
    expect(alone).toMatchObject({ base: 'sft', total: { safety: { norm: 5, max: 4, zeros: 1 / 3 } } });
    expect(alone.total).not.toHaveProperty('finetune');
    expect(alone.tensors[0]!.stats.safety!.relative).toBe(0.5);
    const aligned = model('aligned', ['w', [2], [3, 4]], ['v', [1], [1]]);
    expect((await measure({ sft, aligned, vector: saved(w) })).total.cosine).toBeCloseTo(1, 12);
  });

  test('one model alone has no difference to measure', async () => {
    await expect(measure({ sft: demo.sft! })).rejects.toMatchObject({ code: 'recipe-invalid' });
  });
});

test('a cancel stops it', async () => {
  const controller = new AbortController();
  const measuring = measureVectors(demo, 'exact', { chunkBytes: 4096 }, () => controller.abort(), controller.signal);
  await expect(measuring).rejects.toMatchObject({ name: 'AbortError' });
});
