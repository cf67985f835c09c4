import { describe, expect, test } from 'vitest';
import type { FolderDescription } from '../../src/files/folder.ts';
import { readHeader } from '../../src/files/safetensors.ts';
import { memorySource } from '../../src/files/source.ts';
import { folderOf } from '../files/build.ts';
import { fixture, fixtureFolder } from '../files/fixtures.ts';
import { merge, resta } from './merging.ts';

/** The same weights in two formats. */
const LLAMA = { safetensors: fixture('gguf/llama-bf16.safetensors'), config: { model_type: 'llama', hidden_size: 16 } };
const TIED = { safetensors: fixture('torch/whole.safetensors'), config: { model_type: 'llama', hidden_size: 8 } };

/** Every n-th weight one step of its last bit away: another version of the same model. */
async function version(file: Uint8Array, n: number): Promise<Uint8Array> {
  const out = file.slice();
  const { tensors } = await readHeader(memorySource(file), 'model.safetensors');
  for (const { start, end, dtype } of tensors) {
    const size = dtype === 'BF16' ? 2 : 4;
    for (let at = start; at < end; at += size * n) out[at]! ^= 1;
  }
  return out;
}

describe('a merge gives the same bytes whether the aligned model is safetensors or', () => {
  test.each<[string, typeof LLAMA, FolderDescription]>([
    ['GGUF', LLAMA, folderOf('aligned', { 'llama-bf16.gguf': fixture('gguf/llama-bf16.gguf') })],
    ['PyTorch', TIED, folderOf('aligned', fixtureFolder('torch/whole'))],
    ['PyTorch in shards', TIED, folderOf('aligned', fixtureFolder('torch/sharded'))],
  ])('%s', async (_, { safetensors, config }, other) => {
    const folder = (name: string, weights: Uint8Array) =>
      folderOf(name, { 'config.json': config, 'model.safetensors': weights, 'tokenizer_config.json': '{}' });
    const inputs = {
      sft: folder('sft', await version(safetensors, 3)),
      aligned: folder('aligned', safetensors),
      unaligned: folder('unaligned', await version(safetensors, 5)),
    };
    const expected = await merge(resta(2), { inputs });
    expect(expected.result.changed).toBeGreaterThan(0);
    for (const chunkBytes of [undefined, 100]) {
      const options = chunkBytes === undefined ? {} : { chunkBytes };
      const { tensors } = await merge(resta(2), { inputs: { ...inputs, aligned: other }, ...options });
      expect(tensors).toEqual(expected.tensors);
    }
  });
});
