/**
 * How much memory a model will take, told before it is loaded. Nobody is kept from trying: the formula knows the model, not what else the
 * computer is doing. Measured against it: bench/model.
 */

import { linearsOf } from '../graph/form.ts';
import type { ModelGraph } from '../graph/graph.ts';
import type { MemoryEstimate } from './generation.ts';

export interface Work {
  /** Prompts answered at the same time. */
  batchSize: number;
  /** Tokens of a prompt and its answer together. */
  length: number;
}

const FLOAT_BYTES = { f32: 4, f16: 2 };
/** onnxruntime and the compiling of it, the page, what memory is lost between pieces: what is left of a measured peak when all below is taken off. */
const RUNTIME_BYTES = 300e6;

/**
 * In bytes: weights as they are run; keys and values, twice, since a step makes the longer ones beside those it reads; logits and the
 * widest activations; and, on the CPU, the largest weight once more as float32: put into another order while a model in float32 loads,
 * widened for every step of one in fewer bits.
 */
export function estimateMemory(graph: ModelGraph, onGpu: boolean, { batchSize, length }: Work): MemoryEstimate {
  const { decoder, floatType, weights: wanted } = graph;
  const float = FLOAT_BYTES[floatType];
  const rows = batchSize * Math.min(length, graph.positions);
  const weights = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  const cache = 2 * 2 * decoder.blocks.length * decoder.keyValueHeads * decoder.headDim * rows * float;
  const widest = Math.max(...decoder.blocks.flatMap(linearsOf).map(({ outputs }) => outputs));
  const work = 4 * batchSize * decoder.vocabulary + 3 * rows * widest * float;
  const largest = Math.max(
    decoder.vocabulary * decoder.hidden,
    ...decoder.blocks.flatMap(linearsOf).map(({ inputs, outputs }) => inputs * outputs),
  );
  const widened = onGpu ? 0 : 4 * largest;
  const total = weights + cache + work + widened + RUNTIME_BYTES;
  return { weights, cache, work, widened, runtime: RUNTIME_BYTES, total };
}
