import { Tensor } from 'onnxruntime-web';
import { expect, test } from 'vitest';
import type { FloatDtype } from '../../src/core/dtype.ts';
import { weightBytes } from '../../src/graph/weights.ts';
import { openResidentModel, residentGraph } from '../../src/model/resident.ts';
import { runtimeOf } from '../../src/model/runtime.ts';
import { logits } from '../../src/model/score.ts';
import {
  type CheckpointName,
  largestDifference,
  readConfig,
  readReference,
  readTensors,
  unpack,
} from '../graph/fixtures.ts';
import { checkpointFolder, nodeRuntime } from './checkpoints.ts';

const describedAs = (name: CheckpointName) => ({
  folder: checkpointFolder(name),
  config: readConfig(name) as Record<string, unknown>,
  tensors: readTensors(name),
});
const described = describedAs('tied');

/** A runtime with a device that binds so many bytes at most; nothing is run on it. */
function runtimeBinding(maxStorageBufferBindingSize: number) {
  const device = { limits: { maxStorageBufferBindingSize }, features: new Set(), lost: new Promise(() => {}) };
  return runtimeOf(nodeRuntime().ort, 'webgpu', device as unknown as GPUDevice);
}

test('a weight that the device cannot bind is refused before anything is made', () => {
  const largest = Math.max(...residentGraph(nodeRuntime(), described).weights.map(({ bytes }) => bytes));
  expect(residentGraph(runtimeBinding(largest), described).weights.length).toBeGreaterThan(0);
  expect(() => residentGraph(runtimeBinding(largest - 1), described)).toThrow(
    expect.objectContaining({ code: 'model-too-large', data: { bytes: largest, limit: largest - 1 } }),
  );
});

/** One of each way a checkpoint may differ from what the graph reads: fused, transposed, differences from one, a norm per head. */
const NAMES = ['tied', 'gemma3', 'gpt2', 'phi3', 'gpt-neox', 'cohere-qk-norm', 'stablelm-parallel'] as const;

test.each(NAMES)(
  '%s runs on the weights that are in its buffers when it runs, not on those that were there when it was made',
  async (name) => {
    const described = describedAs(name);
    // Node has no GPU: a "buffer" holds its numbers here, and onnxruntime takes them as an ordinary input.
    const { ort } = nodeRuntime();
    const fromGpuBuffer = (buffer: unknown, { dims }: { dims: readonly number[] }) =>
      new Tensor('float32', buffer as Float32Array, dims);
    const get = (target: object, key: string) => (key === 'fromGpuBuffer' ? fromGpuBuffer : Reflect.get(target, key));
    const runtime = runtimeOf({ ...ort, Tensor: new Proxy(Tensor, { get }) as never }, 'wasm');
    const graph = residentGraph(runtime, described);
    const values = new Map(
      graph.weights.map((weight) => {
        const { bytes, dtype, shape } = described.tensors.get(weight.name)!;
        const [floats] = weightBytes({ bytes, dtype: dtype as FloatDtype, shape }, [weight]);
        return [weight.name, new Float32Array(floats!.slice().buffer)];
      }),
    );
    const right = new Map([...values].map(([name, weights]) => [name, weights.slice()]));
    for (const weights of values.values()) weights.fill(0.5);
    const model = await openResidentModel(runtime, described, graph, values as never);
    const { single } = readReference(name);
    const ask = async () => largestDifference((await logits(model, [single.ids])).data, unpack(single.logits));
    expect(await ask()).toBeGreaterThan(0.1);
    for (const [name, weights] of right) values.get(name)!.set(weights);
    expect(await ask()).toBeLessThan(5e-5);
    await model.release();
  },
);
