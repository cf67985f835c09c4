import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/files/checkpoint.ts';
import { modelGraph } from '../../src/graph/graph.ts';
import { previewModel } from '../../src/model/load.ts';
import { estimateMemory } from '../../src/model/memory.ts';
import { chatFolder, checkpointFolder } from './checkpoints.ts';

describe('an estimate of memory', () => {
  it('is the sum of its parts, each by the sizes of the model', async () => {
    const { config, tensors } = await openCheckpoint(checkpointFolder('tied'));
    const graph = modelGraph(config, tensors);
    const found = estimateMemory(graph, false, { batchSize: 4, length: 100 });
    expect(found.weights).toBe(4 * graph.parameters);
    expect(found.cache).toBe(2 * 2 * 2 * 2 * 8 * 4 * 100 * 4); // twice keys and values of 2 blocks, 2 heads of 8, 4 rows of 100, float32
    expect(found.widened).toBe(4 * 128 * 64);
    expect(found.total).toBe(found.weights + found.cache + found.work + found.widened + found.runtime);
  });

  it('counts a context no longer than the model has', async () => {
    const { config, tensors } = await openCheckpoint(checkpointFolder('tied'));
    const graph = modelGraph(config, tensors);
    const [all, beyond] = [256, 10_000].map((length) => estimateMemory(graph, false, { batchSize: 1, length }).cache);
    expect(beyond).toBe(all);
  });

  it('adds the largest weight as float32 on the CPU, in whatever bits it is kept', async () => {
    const { config, tensors } = await openCheckpoint(checkpointFolder('tied'));
    const graph = modelGraph(config, tensors, { precision: 'int8' });
    expect(estimateMemory(graph, false, { batchSize: 1, length: 1 }).widened).toBe(4 * 128 * 64);
    expect(estimateMemory(graph, true, { batchSize: 1, length: 1 }).widened).toBe(0);
  });
});

describe('a preview of a folder', () => {
  const work = { batchSize: 32, length: 100 };

  it('tells what it would take on the CPU, without halves, and what that can address', async () => {
    const preview = await previewModel(chatFolder(), { backend: 'wasm', halves: true }, work);
    expect(preview).toMatchObject({ modelType: 'llama', backend: 'wasm', hasTemplate: true, limit: 2 ** 32 });
    expect(Object.keys(preview.memory)).toEqual(['f32', 'int8', 'int4']);
    expect(preview.memory.int8!.weights).toBeLessThan(preview.memory.f32!.weights);
    expect(preview.memory.int4!.weights).toBeLessThan(preview.memory.int8!.weights);
  });

  it('offers halves on a graphics card that has them', async () => {
    const { memory, limit } = await previewModel(chatFolder(), { backend: 'webgpu', halves: true }, work);
    expect(memory.f16!.weights).toBe(memory.f32!.weights / 2);
    expect(limit).toBeUndefined();
    const without = await previewModel(chatFolder(), { backend: 'webgpu', halves: false }, work);
    expect(without.memory.f16).toBeUndefined();
  });

  it('says where there is no template, and nothing of one where there is no tokenizer', async () => {
    const bare = await previewModel(
      chatFolder({ 'chat_template.jinja': undefined }),
      { backend: 'wasm', halves: false },
      work,
    );
    expect(bare.hasTemplate).toBe(false);
    const silent = await previewModel(checkpointFolder('tied'), { backend: 'wasm', halves: false }, work);
    expect('hasTemplate' in silent).toBe(false);
  });

  it('refuses what cannot run', async () => {
    const folder = chatFolder({ 'config.json': '{"model_type": "mamba"}' });
    await expect(previewModel(folder, { backend: 'wasm', halves: false }, work)).rejects.toMatchObject({
      code: 'family-unsupported',
    });
  });
});
