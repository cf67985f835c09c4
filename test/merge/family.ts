/** Three tiny folders that can be merged, made in code; random values from a seeded generator, so every run sees the same bytes. */

import type { Dtype } from '../../src/core/dtype.ts';
import { encodeFloats, isFloatDtype } from '../../src/core/dtype.ts';
import type { FolderDescription } from '../../src/files/folder.ts';
import { type FileContent, folderOf, safetensorsFile, type TestTensor } from '../files/build.ts';

export const CONFIG = { model_type: 'llama', hidden_size: 6, num_hidden_layers: 1, torch_dtype: 'float16' };

/** Names, types and shapes of the little model; odd sizes, so that no chunk ends on a tensor's border by luck. */
export const TENSORS: readonly [name: string, dtype: Dtype, shape: number[]][] = [
  ['model.embed_tokens.weight', 'F16', [37, 6]],
  ['model.layers.0.self_attn.q_proj.weight', 'BF16', [6, 6]],
  ['model.layers.0.mlp.up_proj.weight', 'F32', [15, 6]],
  ['model.norm.weight', 'BF16', [6]],
  ['model.position_ids', 'I64', [1, 5]],
];

/** Marsaglia's xorshift32, as numbers around zero. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state | 0) / 2 ** 31;
  };
}

export function randomTensor(name: string, dtype: Dtype, shape: number[], random: () => number): TestTensor {
  const count = shape.reduce((product, n) => product * n, 1);
  if (!isFloatDtype(dtype))
    return {
      name,
      dtype,
      shape,
      bytes: Uint8Array.from({ length: 8 * count }, () => Math.floor(random() * 128) & 255),
    };
  return { name, dtype, shape, bytes: encodeFloats(Float32Array.from({ length: count }, random), dtype) };
}

export function tensorsOf(seed: number, specs = TENSORS): TestTensor[] {
  const random = seeded(seed);
  return specs.map(([name, dtype, shape]) => randomTensor(name, dtype, shape, random));
}

export interface FamilyOptions {
  /** Replaces or adds files of one folder. */
  files?: Record<string, FileContent>;
  tensors?: TestTensor[];
  config?: object;
}

export function modelFolder(
  name: string,
  seed: number,
  { files, tensors, config }: FamilyOptions = {},
): FolderDescription {
  return folderOf(name, {
    'config.json': config ?? CONFIG,
    'model.safetensors': safetensorsFile(tensors ?? tensorsOf(seed)),
    'tokenizer.json': `{"of":"${name}"}`,
    'tokenizer_config.json': `{"of":"${name}"}`,
    'generation_config.json': `{"of":"${name}"}`,
    ...files,
  });
}

export function family(
  changes: { sft?: FamilyOptions; aligned?: FamilyOptions; unaligned?: FamilyOptions } = {},
): Record<'sft' | 'aligned' | 'unaligned', FolderDescription> {
  return {
    sft: modelFolder('sft', 11, changes.sft),
    aligned: modelFolder('aligned', 22, changes.aligned),
    unaligned: modelFolder('unaligned', 33, changes.unaligned),
  };
}

/** Text of a file in a folder in memory. */
export async function fileText(folder: FolderDescription | undefined, path: string): Promise<string> {
  return new TextDecoder().decode(await fileBytes(folder, path));
}

export async function fileBytes(folder: FolderDescription | undefined, path: string): Promise<Uint8Array> {
  const file = folder?.kind === 'files' ? folder.files.find((candidate) => candidate.path === path) : undefined;
  if (!file) throw new Error(`no ${path}`);
  return new Uint8Array(await file.blob.arrayBuffer());
}

/** Tensor bytes by name of every shard of a folder in memory, read without the code under test. */
export async function storedTensors(folder: FolderDescription | undefined): Promise<Map<string, Uint8Array>> {
  const tensors = new Map<string, Uint8Array>();
  for (const { path, blob } of folder?.kind === 'files' ? folder.files : []) {
    if (!path.endsWith('.safetensors')) continue;
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const dataStart = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, dataStart))) as Record<
      string,
      { data_offsets: [number, number] }
    >;
    for (const [name, entry] of Object.entries(header)) {
      if (name !== '__metadata__')
        tensors.set(name, bytes.slice(dataStart + entry.data_offsets[0], dataStart + entry.data_offsets[1]));
    }
  }
  return new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1)));
}
