/**
 * Which model families can be run, and how a config.json of theirs becomes one normal form. A family is a row: its names for the
 * tensors, which linear layers have biases, which values of a field are reproduced. Everything is checked against the checkpoint's
 * own shapes before a byte of weights is read; what the normal form means as a computation is decoder.ts.
 */

import { AppError } from '../core/errors.ts';
import type { TensorInfo } from '../core/tensor.ts';
import {
  asConfig,
  booleanField,
  type Config,
  invalidConfig,
  positiveField,
  requireSupported,
  sizeField,
  textField,
} from './config.ts';
import { inverseFrequencies } from './rope.ts';

/** y = x W^T + b, W stored [outputs, inputs] as in PyTorch. */
export interface Linear {
  weight: string;
  bias?: string;
  inputs: number;
  outputs: number;
}

/** One transformer block; values are names of tensors in the checkpoint. */
export interface Block {
  attentionNorm: string;
  query: Linear;
  key: Linear;
  value: Linear;
  output: Linear;
  mlpNorm: string;
  gate: Linear;
  up: Linear;
  down: Linear;
}

/** The normal form: a decoder-only transformer with RMS norms before each half of a block, rotary positions and a SiLU-gated MLP. */
export interface Decoder {
  family: string;
  hidden: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
  vocabulary: number;
  /** The longest context the config claims. */
  maxPositions: number;
  normEpsilon: number;
  /** Radians per position, headDim / 2 of them. */
  frequencies: Float32Array;
  embedding: string;
  finalNorm: string;
  /** The embedding itself when tied. */
  head: Linear;
  blocks: Block[];
}

type LinearSlot = 'query' | 'key' | 'value' | 'output' | 'gate' | 'up' | 'down';
const LINEAR_SLOTS: readonly LinearSlot[] = ['query', 'key', 'value', 'output', 'gate', 'up', 'down'];

interface Family {
  /** `model_type` in config.json. */
  modelType: string;
  /** Tensor names without ".weight" and ".bias"; "#" stands for the number of the block. */
  tensors: Record<LinearSlot | 'embedding' | 'finalNorm' | 'head' | 'attentionNorm' | 'mlpNorm', string>;
  /** The linear layers that carry a bias under this config. */
  biased(config: Config): readonly LinearSlot[];
  /** Fields whose other values would compute something else, with the values that are right. The first is the default. */
  supported: Record<string, readonly unknown[]>;
}

const FAMILIES: readonly Family[] = [
  {
    modelType: 'llama',
    tensors: {
      embedding: 'model.embed_tokens',
      finalNorm: 'model.norm',
      head: 'lm_head',
      attentionNorm: 'model.layers.#.input_layernorm',
      query: 'model.layers.#.self_attn.q_proj',
      key: 'model.layers.#.self_attn.k_proj',
      value: 'model.layers.#.self_attn.v_proj',
      output: 'model.layers.#.self_attn.o_proj',
      mlpNorm: 'model.layers.#.post_attention_layernorm',
      gate: 'model.layers.#.mlp.gate_proj',
      up: 'model.layers.#.mlp.up_proj',
      down: 'model.layers.#.mlp.down_proj',
    },
    biased: (config) => [
      ...(booleanField(config, 'attention_bias', false) ? (['query', 'key', 'value', 'output'] as const) : []),
      ...(booleanField(config, 'mlp_bias', false) ? (['gate', 'up', 'down'] as const) : []),
    ],
    supported: { hidden_act: ['silu', 'swish'], pretraining_tp: [1], quantization_config: [] },
  },
];

/** The `model_type` of every family that can be run. */
export const MODEL_TYPES: readonly string[] = FAMILIES.map((family) => family.modelType);

/** Characters of a model_type that a message repeats. */
const LONGEST_TYPE = 100;
/** Deeper than any model that fits a browser; it stops a hostile config from asking for millions of blocks. */
const MOST_BLOCKS = 1024;

/**
 * config.json and the checkpoint's tensors (names and shapes only) -> the normal form.
 * Throws AppError 'family-unsupported' (model_type without a row), 'config-unsupported' (a field set to what cannot be reproduced),
 * 'config-invalid' (fields missing or contradicting the tensors).
 */
export function normalize(json: unknown, tensors: ReadonlyMap<string, TensorInfo>): Decoder {
  const decoder = normalForm(json);
  checkShapes(decoder, tensors);
  checkBiases(decoder, tensors);
  return decoder;
}

/** The normal form that a config promises, whatever the weights hold. Throws as `normalize` does. */
export function normalForm(json: unknown): Decoder {
  const config = asConfig(json);
  const family = familyOf(config);
  for (const [field, values] of Object.entries(family.supported)) requireSupported(config, field, values);

  const sizes = sizesOf(config);
  const maxPositions = sizeField(config, 'max_position_embeddings', 2048);
  const biased = new Set(family.biased(config));
  const tied = booleanField(config, 'tie_word_embeddings', false);
  const name = (slot: keyof Family['tensors']): string => `${family.tensors[slot]}.weight`;
  const head: Linear = {
    weight: tied ? name('embedding') : name('head'),
    inputs: sizes.hidden,
    outputs: sizes.vocabulary,
  };
  return {
    family: family.modelType,
    hidden: sizes.hidden,
    heads: sizes.heads,
    keyValueHeads: sizes.keyValueHeads,
    headDim: sizes.headDim,
    vocabulary: sizes.vocabulary,
    maxPositions,
    normEpsilon: positiveField(config, 'rms_norm_eps', 1e-6),
    frequencies: inverseFrequencies(config, sizes.headDim, maxPositions),
    embedding: name('embedding'),
    finalNorm: name('finalNorm'),
    head,
    blocks: Array.from({ length: sizes.blocks }, (_, number) => blockOf(family, number, sizes, biased)),
  };
}

function familyOf(config: Config): Family {
  const modelType = textField(config, 'model_type')?.slice(0, LONGEST_TYPE);
  if (modelType === undefined) throw invalidConfig('config.json does not say model_type.', { field: 'model_type' });
  const family = FAMILIES.find((row) => row.modelType === modelType);
  if (family !== undefined) return family;
  throw new AppError(
    'family-unsupported',
    `Models of type "${modelType}" cannot be run here yet.`,
    `Merging works for every family. What runs here: ${MODEL_TYPES.join(', ')}.`,
    { modelType, supported: MODEL_TYPES },
  );
}

interface Sizes {
  blocks: number;
  hidden: number;
  intermediate: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
  vocabulary: number;
}

function sizesOf(config: Config): Sizes {
  const blocks = sizeField(config, 'num_hidden_layers');
  const hidden = sizeField(config, 'hidden_size');
  const heads = sizeField(config, 'num_attention_heads');
  const keyValueHeads = sizeField(config, 'num_key_value_heads', heads);
  const headDim = sizeField(config, 'head_dim', hidden / heads);
  if (blocks > MOST_BLOCKS)
    throw invalidConfig(`config.json says num_hidden_layers is ${blocks}; at most ${MOST_BLOCKS} make sense.`, {
      blocks,
    });
  if (heads % keyValueHeads !== 0) {
    throw invalidConfig(
      `config.json says ${heads} attention heads share ${keyValueHeads} key-value heads, which does not divide.`,
      { heads, keyValueHeads },
    );
  }
  if (headDim % 2 !== 0)
    throw invalidConfig(`config.json gives heads of ${headDim} dimensions; rotary positions need an even number.`, {
      headDim,
    });
  return {
    blocks,
    hidden,
    heads,
    keyValueHeads,
    headDim,
    intermediate: sizeField(config, 'intermediate_size'),
    vocabulary: sizeField(config, 'vocab_size'),
  };
}

function blockOf(family: Family, number: number, sizes: Sizes, biased: ReadonlySet<LinearSlot>): Block {
  const { hidden, intermediate } = sizes;
  const queries = sizes.heads * sizes.headDim;
  const keys = sizes.keyValueHeads * sizes.headDim;
  const base = (slot: keyof Family['tensors']): string => family.tensors[slot].replace('#', String(number));
  const linear = (slot: LinearSlot, inputs: number, outputs: number): Linear => ({
    weight: `${base(slot)}.weight`,
    inputs,
    outputs,
    ...(biased.has(slot) ? { bias: `${base(slot)}.bias` } : {}),
  });
  return {
    attentionNorm: `${base('attentionNorm')}.weight`,
    query: linear('query', hidden, queries),
    key: linear('key', hidden, keys),
    value: linear('value', hidden, keys),
    output: linear('output', queries, hidden),
    mlpNorm: `${base('mlpNorm')}.weight`,
    gate: linear('gate', hidden, intermediate),
    up: linear('up', hidden, intermediate),
    down: linear('down', intermediate, hidden),
  };
}

/** Every tensor the normal form reads, with the shape the config promises. */
export function tensorShapes(decoder: Decoder): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  const addLinear = (linear: Linear): void => {
    shapes.set(linear.weight, [linear.outputs, linear.inputs]);
    if (linear.bias !== undefined) shapes.set(linear.bias, [linear.outputs]);
  };
  shapes.set(decoder.embedding, [decoder.vocabulary, decoder.hidden]);
  for (const block of decoder.blocks) {
    shapes.set(block.attentionNorm, [decoder.hidden]);
    shapes.set(block.mlpNorm, [decoder.hidden]);
    for (const slot of LINEAR_SLOTS) addLinear(block[slot]);
  }
  shapes.set(decoder.finalNorm, [decoder.hidden]);
  addLinear(decoder.head);
  return shapes;
}

function checkShapes(decoder: Decoder, tensors: ReadonlyMap<string, TensorInfo>): void {
  for (const [tensor, expected] of tensorShapes(decoder)) {
    const found = tensors.get(tensor)?.shape;
    if (found === undefined)
      throw invalidConfig(`config.json calls for the tensor ${tensor}, which is not in the weights.`, {
        tensor,
        expected,
      });
    if (found.join() !== expected.join()) {
      throw invalidConfig(
        `config.json makes ${tensor} ${expected.join(' x ')}, but the weights hold ${found.join(' x ')}.`,
        { tensor, expected, found },
      );
    }
  }
}

/** A trained bias that the config denies would be left out in silence: refuse it instead. */
function checkBiases(decoder: Decoder, tensors: ReadonlyMap<string, TensorInfo>): void {
  const unbiased = decoder.blocks
    .flatMap((block) => LINEAR_SLOTS.map((slot) => block[slot]))
    .filter((linear) => linear.bias === undefined);
  for (const { weight } of unbiased) {
    const tensor = weight.replace(/weight$/, 'bias');
    if (tensors.has(tensor))
      throw invalidConfig(`The weights hold ${tensor}, but config.json says there are no such biases.`, { tensor });
  }
}
