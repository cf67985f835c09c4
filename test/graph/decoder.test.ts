/** The plan of the graph as plain data: nothing is read, nothing runs but what onnxruntime itself says about it. */

import { InferenceSession } from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { decoderGraph } from '../../src/graph/decoder.ts';

import { modelGraph } from '../../src/graph/graph.ts';
import { normalize } from '../../src/graph/normalize.ts';
import type { OnnxGraph } from '../../src/graph/onnx.ts';
import { CHECKPOINTS, type CheckpointName, readConfig, readTensors } from './fixtures.ts';

function graphOf(name: CheckpointName, positions = 64): OnnxGraph {
  return decoderGraph(normalize(readConfig(name), readTensors(name)), { positions });
}

function count(graph: OnnxGraph, type: string): number {
  return graph.nodes.filter((node) => node.type === type).length;
}

describe.each(CHECKPOINTS)('the graph of %s', (name) => {
  const graph = graphOf(name);

  it('reads only what was made before', () => {
    const known = new Set([...graph.inputs, ...graph.constants, ...graph.weights].map((value) => value.name));
    for (const node of graph.nodes) {
      for (const input of node.inputs.filter((value) => value !== ''))
        expect(known, `${node.name} reads ${input}`).toContain(input);
      for (const output of node.outputs.filter((value) => value !== '')) {
        expect(known, `${node.name} makes ${output} a second time`).not.toContain(output);
        known.add(output);
      }
    }
    for (const output of graph.outputs) expect(known).toContain(output.name);
  });

  it('wants every tensor of the checkpoint once, in its stored shape', () => {
    const stored = [...readTensors(name).values()].map((tensor) => [tensor.name, tensor.shape] as const);
    expect(new Map(graph.weights.map((weight) => [weight.name, weight.shape]))).toEqual(new Map(stored));
    expect(graph.weights).toHaveLength(stored.length);
  });

  it('has a cache of keys and values per block', () => {
    expect(graph.inputs.map((input) => input.name)).toEqual([
      'input_ids',
      'attention_mask',
      'position_ids',
      'num_logits_to_keep',
      'past_key_values.0.key',
      'past_key_values.0.value',
      'past_key_values.1.key',
      'past_key_values.1.value',
    ]);
    expect(graph.outputs.map((output) => output.name).sort()).toEqual([
      'logits',
      'present.0.key',
      'present.0.value',
      'present.1.key',
      'present.1.value',
    ]);
  });

  it('rotates queries and keys of each block', () => expect(count(graph, 'RotaryEmbedding')).toBe(4));
});

it('keeps rotation and padding out of the fused attention node: it would take padding to be on the right', () => {
  const attention = graphOf('tied').nodes.filter((node) => node.type === 'GroupQueryAttention');
  expect(attention).toHaveLength(2);
  for (const node of attention) {
    expect(node.attributes.do_rotary).toBe(0);
    expect(node.inputs.slice(7)).toEqual(['', '', '', expect.stringMatching(/^Expand/)]);
  }
});

it('spells attention out where the fused node refuses the width of the heads', () => {
  expect(count(graphOf('linear-rope'), 'GroupQueryAttention')).toBe(0);
  expect(count(graphOf('linear-rope'), 'Softmax')).toBe(2);
});

it('keeps a tied embedding a single weight with two readers', () => {
  const readers = graphOf('tied').nodes.filter((node) => node.inputs.includes('model.embed_tokens.weight'));
  expect(readers.map((node) => node.type)).toEqual(['Gather', 'Gemm']);
});

it('makes rotation tables for as many positions as asked, and never more than the model has', () => {
  const shape = (positions: number) =>
    graphOf('untied-biases', positions).constants.find((constant) => constant.name === 'rotary.cosines')!.shape;
  expect(shape(10)).toEqual([10, 8]);
  expect(modelGraph(readConfig('tied'), readTensors('tied')).positions).toBe(256);
  expect(modelGraph(readConfig('tied'), readTensors('tied'), { positions: 100 }).positions).toBe(100);
});

it('counts the parameters as the checkpoint does', () => {
  const stored = [...readTensors('tied').values()].reduce((sum, tensor) => sum + tensor.bytes.length / 2, 0);
  expect(modelGraph(readConfig('tied'), readTensors('tied')).parameters).toBe(stored);
});

it('takes the very same graph with weights as inputs: what they are called and how large they are does not change', async () => {
  const session = async (weights: 'files' | 'inputs') => {
    const graph = modelGraph(readConfig('llama3-rope'), readTensors('llama3-rope'), { weights });
    const externalData = graph.weights.map(({ name, bytes }) => ({ path: name, data: new Uint8Array(bytes) }));
    const options = weights === 'files' ? { externalData } : {};
    return { graph, session: await InferenceSession.create(graph.onnx, { executionProviders: ['wasm'], ...options }) };
  };
  const [files, inputs] = [await session('files'), await session('inputs')];
  expect(inputs.graph.weights).toEqual(files.graph.weights);
  expect([...inputs.session.inputNames].sort()).toEqual(
    [...files.session.inputNames, ...files.graph.weights.map(({ name }) => name)].sort(),
  );
  expect(inputs.session.outputNames).toEqual(files.session.outputNames);
});

it('reads an embedding that no head shares in the type it is stored in', () => {
  const made = (name: CheckpointName, tensor: string) =>
    modelGraph(readConfig(name), readTensors(name))
      .weights.filter(({ source }) => source.tensor === tensor)
      .map(({ type, bytes }) => [type, bytes]);
  expect(made('untied-biases', 'model.embed_tokens.weight')).toEqual([['f16', 2 * 128 * 48]]);
  expect(made('tied', 'model.embed_tokens.weight')).toEqual([['f32', 4 * 128 * 64]]);
});
