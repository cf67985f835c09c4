/** The tiny checkpoints of tools/references/make_families.py, read with a few plain lines that share no code with src/. */

import { readFileSync } from 'node:fs';
import type { Dtype } from '../../src/core/dtype.ts';
import type { TensorInfo } from '../../src/core/tensor.ts';

export const CHECKPOINTS = ['tied', 'untied-biases', 'llama3-rope', 'linear-rope'] as const;
/** Decoders of other families, and Llamas with other ropes; several of them spelled as the hub's older files are. */
export const FAMILIES = [
  'llama-yarn',
  'llama-dynamic',
  'llama-longrope',
  'mistral',
  'qwen2',
  'qwen2-windows',
  'qwen3',
  'gemma',
  'gemma2',
  'gemma3',
  'phi',
  'phi-qk-norm',
  'phi3',
  'phi3-longrope',
  'gpt2',
  'gpt2-bare',
  'gpt-neox',
  'gpt-neox-sequential',
  'smollm3',
  'olmo',
  'olmo2',
  'olmo3',
  'olmo3-yarn',
  'granite',
  'stablelm',
  'stablelm-parallel',
  'starcoder2',
  'starcoder2-untied',
  'falcon-7b',
  'falcon-40b',
  'falcon-rw',
  'gpt-bigcode',
  'opt',
  'cohere',
  'cohere-qk-norm',
  'helium',
  'nemotron',
  'glm',
  'glm4',
  'arcee',
  'ernie4_5',
  'hunyuan_v1_dense',
  'exaone4',
  'seed_oss',
] as const;
export type CheckpointName = (typeof CHECKPOINTS)[number] | (typeof FAMILIES)[number];

export function fixturePath(name: string, file: string): URL {
  return new URL(`../fixtures/graph/${name}/${file}`, import.meta.url);
}

interface Packed {
  dims: number[];
  data: string;
}

interface ReferenceJson {
  single: { ids: number[]; logits: Packed };
  long: { ids: number[]; logits: Packed };
  batch: { ids: number[][]; mask: number[][]; logits: Packed };
  greedy: { prompts: number[][]; ids: number[][] };
}

export interface StoredTensor extends TensorInfo {
  bytes: Uint8Array;
}

export function readConfig(name: CheckpointName): Record<string, unknown> {
  return JSON.parse(readFileSync(fixturePath(name, 'config.json'), 'utf8'));
}

export function readTensors(name: CheckpointName): Map<string, StoredTensor> {
  const file = new Uint8Array(readFileSync(fixturePath(name, 'model.safetensors')));
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header: Record<string, { dtype: Dtype; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + headerBytes)),
  );
  const start = 8 + headerBytes;
  return new Map(
    Object.entries(header)
      .filter(([tensor]) => tensor !== '__metadata__')
      .map(([tensor, { dtype, shape, data_offsets }]) => [
        tensor,
        { name: tensor, dtype, shape, bytes: file.slice(start + data_offsets[0], start + data_offsets[1]) },
      ]),
  );
}

export function readReference(name: CheckpointName): ReferenceJson {
  return JSON.parse(readFileSync(fixturePath(name, 'reference.json'), 'utf8'));
}

export function unpack(packed: Packed): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(packed.data, 'base64')).buffer);
}

/** Infinity where the lengths differ or a value is not a number: a difference that no tolerance forgives. */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i]! - expected[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}
