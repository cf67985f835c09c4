/** Models in fewer bits, on the CPU provider in Node: the demo model, whose sizes quantization was made for. */

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeFloats } from '../../src/core/dtype.ts';
import { openCheckpoint } from '../../src/files/checkpoint.ts';
import type { Folder } from '../../src/files/folder.ts';
import { modelGraph } from '../../src/graph/graph.ts';
import { quantize } from '../../src/graph/quantize.ts';
import { blockwiseLogits } from '../../src/model/blockwise.ts';
import { divergence } from '../../src/model/drift.ts';
import { loadModel } from '../../src/model/load.ts';
import { logits } from '../../src/model/score.ts';
import { createCheckpointSession } from '../../src/model/session.ts';
import { CHECKPOINTS, FAMILIES, largestDifference, readReference, unpack } from '../graph/fixtures.ts';
import { checkpointFolder, folderOf, nodeRuntime } from './checkpoints.ts';

const NEVER = new AbortController().signal;
const IDS = Array.from({ length: 40 }, (_, i) => (37 * i + 11) % 1536);

function demoFolder(change: (weights: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (same) => same): Folder {
  const read = (file: string) =>
    new Uint8Array(readFileSync(new URL(`../../public/demo/sft/${file}`, import.meta.url)));
  const texts = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'];
  return folderOf(
    {
      ...Object.fromEntries(texts.map((file) => [file, read(file)])),
      'model.safetensors': change(read('model.safetensors')),
    },
    'sft',
  );
}

/** The weights of the demo as codes stand for them, stored as float32: what a model in fewer bits must compute. */
function rounded(bits: 4 | 8) {
  return (file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes)));
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (const [name, entry] of Object.entries<{ shape: number[]; dtype: 'F16'; data_offsets: [number, number] }>(
      header,
    )) {
      if (name === '__metadata__') continue;
      const [start, end] = entry.data_offsets;
      const values = decodeFloats(file.subarray(8 + headerBytes + start, 8 + headerBytes + end), entry.dtype);
      const own = name.includes('embed_tokens') ? 8 : bits;
      const stored = entry.shape.length === 2 ? widen(values, entry.shape as [number, number], own) : values;
      Object.assign(entry, { dtype: 'F32', data_offsets: [offset, offset + stored.byteLength] });
      offset += stored.byteLength;
      parts.push(new Uint8Array(stored.buffer));
    }
    const text = new TextEncoder().encode(JSON.stringify(header));
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
    return new Uint8Array(Buffer.concat([length, text, ...parts]));
  };
}

function widen(values: Float32Array, [rows, columns]: [number, number], bits: 4 | 8): Float32Array {
  const { codes, scales } = quantize(values, rows, columns, bits);
  return values.map((_, i) => {
    const code = bits === 8 ? codes[i]! : (codes[i >> 1]! >> (i & 1 ? 4 : 0)) & 15;
    return (code - 2 ** (bits - 1)) * scales[Math.floor(i / 32)]!;
  });
}

async function logitsOf(folder: Folder, precision: 'f32' | 'int8' | 'int4') {
  const model = await loadModel(nodeRuntime(), folder, () => {}, { precision });
  const { data } = await logits(model, [IDS]);
  await model.release();
  return { data, model };
}

describe.each([
  ['int8', 8],
  ['int4', 4],
] as const)('the demo model in %s', (precision, bits) => {
  let found: Awaited<ReturnType<typeof logitsOf>>;
  beforeAll(async () => {
    found = await logitsOf(demoFolder(), precision);
  });

  it('computes what its codes stand for, to float32', async () => {
    const { data } = await logitsOf(demoFolder(rounded(bits)), 'f32');
    expect(largestDifference(found.data, data)).toBeLessThan(1e-4);
  });

  it('is another than in f32, and says how far from it', async () => {
    const { data } = await logitsOf(demoFolder(), 'f32');
    expect(largestDifference(found.data, data)).toBeGreaterThan(1e-3);
    const drift = found.model.drift!;
    expect(drift.tokens).toBeGreaterThan(40);
    expect(drift.divergence).toBeGreaterThan(0);
    expect(drift.divergence).toBeLessThan(bits === 8 ? 0.01 : 1);
    expect(drift.largest).toBeGreaterThanOrEqual(drift.divergence);
    expect(drift.sameTop).toBeGreaterThan(drift.tokens / 2);
  });

  it('takes the memory that bits promise', () => {
    const linear = found.model.graph.weights.filter(({ type }) => type === 'u8');
    expect(linear.length).toBe(7 * 4 + 1);
    const bytes = found.model.graph.weights.reduce((sum, weight) => sum + weight.bytes, 0);
    const perWeight = (8 * bytes) / found.model.graph.parameters;
    expect(perWeight).toBeGreaterThan(bits);
    expect(perWeight).toBeLessThan(bits === 8 ? 9.2 : 6);
  });
});

it('is not compared with itself where nobody asks, nor in f32', async () => {
  const quiet = await loadModel(nodeRuntime(), demoFolder(), () => {}, { precision: 'int8', measureDrift: false });
  const whole = await loadModel(nodeRuntime(), demoFolder(), () => {});
  expect([quiet.drift, whole.drift]).toEqual([undefined, undefined]);
  await Promise.all([quiet.release(), whole.release()]);
});

it('refuses halves where there is no graphics card that has them, before a weight is read', async () => {
  await expect(loadModel(nodeRuntime(), demoFolder(), () => {}, { precision: 'f16' })).rejects.toMatchObject({
    code: 'precision-unavailable',
    message: expect.stringMatching(/^The processor cannot/),
    hint: expect.stringContaining('on such a card') as string, // there may well be one
    data: { precision: 'f16', backend: 'wasm' },
  });
});

describe('halves', () => {
  // onnxruntime's CPU provider runs them by widening what it has no kernel for: enough to try the graph that a graphics card gets.
  it.each([...CHECKPOINTS, ...FAMILIES])('%s gives the logits of PyTorch as nearly as halves can', async (name) => {
    const [runtime, folder] = [nodeRuntime(), checkpointFolder(name)];
    const checkpoint = await openCheckpoint(folder);
    const graph = modelGraph(checkpoint.config, checkpoint.tensors, { precision: 'f16' });
    const session = await createCheckpointSession(runtime, folder, checkpoint, graph, () => {});
    const { single } = readReference(name);
    const { data } = await logits({ runtime, graph, session }, [single.ids]);
    expect(largestDifference(data, unpack(single.logits))).toBeLessThan(0.06); // 0.03 is the most that was seen, of logits up to 18
    await session.release();
  });
});

describe('some blocks at a time', () => {
  it.each(['tied', 'gemma3', 'gpt2', 'falcon-40b', ...FAMILIES.slice(3, 5)] as const)(
    '%s gives the logits of PyTorch',
    async (name) => {
      const folder = checkpointFolder(name);
      const { single } = readReference(name);
      const found = await blockwiseLogits(
        nodeRuntime(),
        folder,
        await openCheckpoint(folder),
        single.ids,
        () => {},
        NEVER,
        1,
      );
      expect(largestDifference(found, unpack(single.logits))).toBeLessThan(5e-5);
    },
  );

  it('stop at a cancel', async () => {
    const folder = checkpointFolder('tied');
    const checkpoint = await openCheckpoint(folder);
    const run = blockwiseLogits(nodeRuntime(), folder, checkpoint, [1, 2], () => {}, AbortSignal.abort());
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a divergence', () => {
  it('is nothing between the same distributions, however their logits are shifted', () => {
    expect(divergence(Float32Array.of(1, 2, 3), Float32Array.of(11, 12, 13))).toBeCloseTo(0, 12);
  });

  it('is the sum of P ln(P / Q)', () => {
    const [p, q] = [
      [0.5, 0.25, 0.25],
      [0.25, 0.25, 0.5],
    ];
    const expected = 0.5 * Math.log(2) + 0 + 0.25 * Math.log(0.5);
    expect(divergence(Float32Array.from(p!, Math.log), Float32Array.from(q!, Math.log))).toBeCloseTo(expected, 6);
  });
});
