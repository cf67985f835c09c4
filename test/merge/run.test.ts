import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeFloats, encodeFloats, f16ToFloat, floatToF16, isFloatDtype } from '../../src/core/dtype.ts';
import { openCheckpoint } from '../../src/files/checkpoint.ts';
import { type FolderDescription, openFolder } from '../../src/files/folder.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { prepareMerge } from '../../src/merge/plan/prepare.ts';
import { runShard } from '../../src/merge/run/run.ts';
import { folderOf, safetensorsFile } from '../files/build.ts';
import { compiledKernels } from '../kernels/compiled.ts';
import { CONFIG, family, fileBytes, fileText, storedTensors, TENSORS, tensorsOf } from './family.ts';
import { dare, FIXTURES, loadFolder, merge, never, ROOT, resta, sha256 } from './merging.ts';

/** sft + g * (aligned - unaligned), written out here element by element. */
function plainLoop(g: number): Map<string, Uint8Array> {
  const [sft, aligned, unaligned] = [tensorsOf(11), tensorsOf(22), tensorsOf(33)];
  const scale = Math.fround(g);
  return new Map(
    TENSORS.map(([name, dtype], i) => {
      if (!isFloatDtype(dtype)) return [name, sft[i]!.bytes];
      const [s, a, u] = [sft, aligned, unaligned].map((tensors) => decodeFloats(tensors[i]!.bytes, dtype)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const out = s.map((value, e) => value + Math.fround(scale * Math.fround(a[e]! - u[e]!)));
      return [name, encodeFloats(out, dtype)];
    }),
  );
}

describe('a merge', () => {
  test.each([0.1, 0.5, 1, 2.5])('at g = %f stores what a plain loop computes, bit for bit', async (g) => {
    const { tensors } = await merge(resta(g));
    expect(tensors.size).toBe(TENSORS.length);
    for (const [name, expected] of plainLoop(g)) expect(tensors.get(name), name).toEqual(expected);
  });

  test('stores what numpy computed', async () => {
    const folder = (role: string) =>
      folderOf(role, {
        'config.json': { model_type: 'llama' },
        'model.safetensors': new Uint8Array(readFileSync(join(FIXTURES, `arithmetic/${role}.safetensors`))),
      });
    const inputs = { sft: folder('sft'), aligned: folder('aligned'), unaligned: folder('unaligned') };
    const rows = JSON.parse(readFileSync(join(FIXTURES, 'arithmetic/expected.json'), 'utf8')) as {
      g: number;
      tensors: Record<string, string>;
    }[];
    for (const { g, tensors } of rows) {
      const merged = await merge(resta(g), { inputs });
      expect(Object.fromEntries([...merged.tensors].map(([name, bytes]) => [name, sha256(bytes)])), `g = ${g}`).toEqual(
        Object.fromEntries(Object.entries(tensors).sort()),
      );
    }
  });

  test('at g = 0 is the fine-tune bit for bit, negative zeros and NaN payloads included', async () => {
    const odd = tensorsOf(11).map((tensor) => {
      const bytes = tensor.bytes.slice();
      if (tensor.dtype === 'BF16') new Uint16Array(bytes.buffer).set([0x8000, 0x7fa5, 0xffc1, 0x7f80]);
      if (tensor.dtype === 'F16') new Uint16Array(bytes.buffer).set([0x8000, 0x7d01, 0xfe03, 0xfc00]);
      if (tensor.dtype === 'F32') new Uint32Array(bytes.buffer).set([0x80000000, 0x7fa00001, 0xffc12345]);
      return { ...tensor, bytes };
    });
    const { tensors, result } = await merge(resta(0), { inputs: family({ sft: { tensors: odd } }) });
    for (const { name, bytes } of odd) expect(tensors.get(name), name).toEqual(bytes);
    expect(result).toMatchObject({ changed: 0, unchanged: 37 * 6 + 36 + 90 + 6 + 5 });
  });

  test('that drops nothing equals plain RESTA', async () => {
    expect((await merge(dare({ p: 0 }))).tensors).toEqual((await merge(resta(0.5))).tensors);
  });

  test.each([resta(0.5), dare()])('writes the same file for every chunk size: $method', async (recipe) => {
    const whole = await merge(recipe);
    for (const chunkBytes of [1, 64, 100, 10_007]) {
      const cut = await merge(recipe, { chunkBytes });
      expect(cut.result.shards).toEqual(whole.result.shards);
      expect(cut.tensors).toEqual(whole.tensors);
      expect(cut.result).toMatchObject({ changed: whole.result.changed, unchanged: whole.result.unchanged });
    }
  });

  test('stores the same tensors however they are spread over files', async () => {
    const single = await merge(dare());
    const spread = await merge(dare({ shardBytes: 200 }));
    expect(spread.plan.shards.length).toBeGreaterThan(2);
    expect(spread.tensors).toEqual(single.tensors);
  });

  test('drops the same weights for the same seed, others for another', async () => {
    const [first, again, other] = [await merge(dare()), await merge(dare()), await merge(dare({ seed: 8 }))];
    expect(again.result.shards).toEqual(first.result.shards);
    expect(other.tensors).not.toEqual(first.tensors);
  });

  test('counts what changed, and what does not fit its type', async () => {
    const flat = (value: number) => [
      {
        name: 'w',
        dtype: 'F16' as const,
        shape: [3],
        bytes: new Uint8Array(Uint16Array.of(floatToF16(value), 0, 0x7bff).buffer),
      },
    ];
    const inputs = family({
      sft: { tensors: flat(1) },
      aligned: { tensors: flat(3) },
      unaligned: { tensors: flat(2) },
    });
    expect((await merge(resta(1), { inputs })).result).toMatchObject({ changed: 1, unchanged: 2, nonFinite: 0 });
    // 1 + 65504 * 1 rounds to 65504 (0x7bff) in float16; 1 + 131008 is beyond its largest number.
    expect((await merge(resta(65504), { inputs })).result).toMatchObject({ changed: 1, nonFinite: 0 });
    expect((await merge(resta(131008), { inputs })).result).toMatchObject({ changed: 1, nonFinite: 1 });
  });

  test('tells apart what came in as NaN or infinite and what became so', async () => {
    const bits = (...words: number[]) => new Uint8Array(Uint16Array.from(words).buffer);
    const of = (bytes: Uint8Array) => ({
      tensors: [{ name: 'w', dtype: 'BF16' as const, shape: [4], bytes }],
      config: { model_type: 'llama' },
    });
    // 1, infinity, NaN, the largest number; and aligned - unaligned large enough to push the last one over.
    const inputs = family({
      sft: of(bits(0x3f80, 0x7f80, 0x3f80, 0x7f7f)),
      aligned: of(bits(0x3f80, 0x3f80, 0x7fc0, 0x7f7f)),
      unaligned: of(bits(0x3f80, 0x3f80, 0x7fc1, 0xff7f)),
    });
    expect((await merge(resta(1), { inputs })).result).toMatchObject({ nonFinite: 3, nonFiniteInputs: 3 });
    // A dropped weight can hide an infinite one: it is found all the same.
    const dropped = await merge(dare({ p: 0.99, seed: 3 }), { inputs });
    expect(dropped.result.nonFiniteInputs).toBe(3);
  });

  test('hashes exactly the bytes it writes', async () => {
    const { result, shards } = await merge(resta(0.5, { shardBytes: 200 }), { chunkBytes: 100 });
    for (const { file, sha256: told, bytes } of result.shards) {
      const written = await fileBytes(result.folder, file);
      expect([sha256(written), written.length]).toEqual([told, bytes]);
    }
    expect(result.bytesWritten).toBe(shards.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  test('writes another type with one rounding', async () => {
    const { tensors, result } = await merge(resta(0, { outputDtype: 'F32' }));
    const sft = tensorsOf(11)[0]!;
    const widened = Float32Array.from(new Uint16Array(sft.bytes.slice().buffer), f16ToFloat);
    expect(tensors.get(sft.name)).toEqual(new Uint8Array(widened.buffer));
    expect(JSON.parse(await fileText(result.folder, 'config.json'))).toEqual({ ...CONFIG, torch_dtype: 'float32' });
  });

  test('stores the same bytes with the WebAssembly kernels', async () => {
    const kernels = await compiledKernels();
    for (const recipe of [resta(0.75), dare()]) {
      expect((await merge(recipe, { kernels, chunkBytes: 100 })).tensors).toEqual((await merge(recipe)).tensors);
    }
  });
});

describe('a merge with an adapter', () => {
  const load = (name: string) => loadFolder(join(FIXTURES, name));
  /** The aligned model of the adapter with every byte of weights changed a little. */
  async function unaligned(): Promise<FolderDescription> {
    const aligned = load('sharded');
    const tensors = await storedTensors(aligned);
    const index = JSON.parse(await fileText(aligned, 'model.safetensors.index.json')) as {
      weight_map: Record<string, string>;
    };
    const { tensors: refs } = await openCheckpoint(openFolder(aligned));
    const changed = Object.keys(index.weight_map).map((name) => ({
      name,
      dtype: 'BF16' as const,
      shape: refs.get(name)!.shape,
      bytes: tensors.get(name)!.map((byte) => byte ^ 3),
    }));
    return folderOf('unaligned', {
      'config.json': await fileText(aligned, 'config.json'),
      'model.safetensors': safetensorsFile(changed),
    });
  }
  test('at g = 0 is the model that PEFT folds, to the last bits of float32', async () => {
    const inputs = { sft: load('lora'), aligned: load('sharded'), unaligned: await unaligned() };
    const { tensors } = await merge(resta(0, { outputDtype: 'F32' }), { inputs });
    const folded = await storedTensors(
      folderOf('folded', {
        'model.safetensors': new Uint8Array(readFileSync(join(FIXTURES, 'lora-folded.safetensors'))),
      }),
    );
    expect(folded.size).toBe(6);
    for (const [name, bytes] of folded) {
      const expected = new Float32Array(bytes.slice().buffer);
      const got = new Float32Array(tensors.get(name)!.slice().buffer);
      // Values up to about 3; sums of at most four products, in another order than torch's.
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - got[i]!)));
      expect(worst, name).toBeLessThan(1e-6);
    }
  });

  test('gives the same bytes for every chunk size, also inside a row', async () => {
    const inputs = { sft: load('lora'), aligned: load('sharded'), unaligned: await unaligned() };
    const whole = await merge(dare(), { inputs });
    for (const chunkBytes of [1, 72, 1000])
      expect((await merge(dare(), { inputs, chunkBytes })).result.shards).toEqual(whole.result.shards);
  });

  test('leaves untouched tensors to the aligned weights', async () => {
    const aligned = load('sharded');
    const { tensors } = await merge(resta(0), { inputs: { sft: load('lora'), aligned, unaligned: await unaligned() } });
    const base = await storedTensors(aligned);
    expect(tensors.get('model.embed_tokens.weight')).toEqual(base.get('model.embed_tokens.weight'));
    expect(tensors.get('model.layers.0.self_attn.q_proj.weight')).not.toEqual(
      base.get('model.layers.0.self_attn.q_proj.weight'),
    );
  });
});

describe('reading', () => {
  test('takes one read for all small tensors of a file and its header', async () => {
    const inputs = family();
    const plan = await prepareMerge({ recipe: resta(0.5), inputs });
    const reads: string[] = [];
    const counting = (folder: FolderDescription): FolderDescription => {
      if (folder.kind !== 'files') return folder;
      const files = folder.files.map(({ path, blob }) => {
        const slice = blob.slice.bind(blob);
        const watched = Object.assign(blob.slice(), {
          slice: (start: number, end: number) => {
            reads.push(`${folder.name} ${start}`);
            return slice(start, end);
          },
        });
        return { path, blob: watched };
      });
      return { ...folder, files };
    };
    const watched = {
      sft: counting(inputs.sft),
      aligned: counting(inputs.aligned),
      unaligned: counting(inputs.unaligned),
    };
    await runShard(plan, watched, 0, { kind: 'memory' }, referenceKernels, {}, () => {}, never());
    for (const name of ['sft', 'aligned', 'unaligned']) {
      expect(reads.filter((read) => read.startsWith(`${name} `))).toEqual([`${name} 0`]);
    }
  });
});

const DEMO = join(ROOT, 'public/demo');
const ORACLE = join(ROOT, 'tools/demo-models/reference/merge.json');

describe('the built-in family', () => {
  const load = (name: string) => loadFolder(join(DEMO, name));

  test('merges to the bytes that numpy computed', async () => {
    const { merges } = JSON.parse(readFileSync(ORACLE, 'utf8')) as {
      merges: { g: number; changedWeights: number; tensors: Record<string, string> }[];
    };
    const inputs = { sft: load('sft'), aligned: load('aligned'), unaligned: load('unaligned') };
    for (const { g, changedWeights, tensors } of merges) {
      const merged = await merge(resta(g), { inputs });
      expect(merged.result.changed).toBe(changedWeights);
      expect(Object.fromEntries([...merged.tensors].map(([name, bytes]) => [name, sha256(bytes)])), `g = ${g}`).toEqual(
        tensors,
      );
    }
  }, 120_000);
});
