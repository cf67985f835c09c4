/**
 * From a GGUF file to a model in Hugging Face's words: names of tensors, config.json, and which tensors llama.cpp stores in another
 * order of rows. An architecture is a row of a table; only those that were compared with the original weights are in it. Source of the
 * names: gguf-py/gguf/tensor_mapping.py; of the keys: gguf-py/gguf/constants.py.
 */

import { AppError } from '../../core/errors.ts';
import type { TensorRef } from '../../core/tensor.ts';
import type { JsonObject } from '../json.ts';
import type { Problem } from '../problem.ts';
import { sha256Hex } from '../sha256.ts';
import type { CheckpointShard } from '../shard.ts';
import type { ByteSource } from '../source.ts';
import { type GgufHeader, type GgufTensor, type GgufValue, readGgufHeader } from './gguf.ts';
import type { RowOrder } from './row-order.ts';

export interface GgufModel {
  /** What config.json would say, as far as the metadata tells. */
  config: JsonObject & { model_type: string };
  /** In Hugging Face's names, in the order of their bytes. */
  tensors: TensorRef[];
  shard: CheckpointShard;
  /** Tensors whose rows lie in another order than Hugging Face's. */
  orders: RowOrder[];
  problems: Problem[];
}

interface Architecture {
  modelType: string;
  className: string;
  /** Rows of q and k are stored so that neighbours rotate together, not halves of a head. */
  pairedRows: boolean;
  /** Per layer, after `blk.N.` and `model.layers.N.`; a bias has the name of its weight. */
  layer: Record<string, string>;
}

const LLAMA_LAYER = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** Gemma is not here: the converter adds one to its norms, which cannot be taken back without rounding. */
const ARCHITECTURES: Partial<Record<string, Architecture>> = {
  llama: { modelType: 'llama', className: 'LlamaForCausalLM', pairedRows: true, layer: LLAMA_LAYER },
  qwen2: { modelType: 'qwen2', className: 'Qwen2ForCausalLM', pairedRows: false, layer: LLAMA_LAYER },
  qwen3: {
    modelType: 'qwen3',
    className: 'Qwen3ForCausalLM',
    pairedRows: false,
    layer: { ...LLAMA_LAYER, attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' },
  },
};

/** Outside of the layers. */
const TOP: Record<string, string> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
};

/** Computed from the configuration, not trained. */
const BUFFERS = new Set(['rope_freqs.weight', 'rope_factors_long.weight', 'rope_factors_short.weight']);

/** Bytes of one head's rows, which are read together; the largest real ones have 4 MB. */
const MAX_HEAD_BYTES = 1 << 26;

/**
 * @param path the file's name, for messages and for `TensorRef.source`
 * @throws AppError what `readGgufHeader` throws, 'format-unsupported' (architecture, split files, unknown tensors), 'gguf-invalid'
 */
export async function readGgufModel(source: ByteSource, path: string): Promise<GgufModel> {
  const { bytes, ...header } = await readGgufHeader(source, path);
  const say = (what: string, hint: string = ORIGINAL) =>
    new AppError('format-unsupported', `${path} ${what}.`, hint, { file: path });
  const row = architectureOf(header.metadata, say);
  const facts = sizesOf(header, row, path);
  const kept = header.tensors.filter(({ name }) => !BUFFERS.has(name));
  if (!kept.some(({ name }) => name === 'token_embd.weight')) throw missing(path, 'token_embd.weight');
  const tensors = kept.map(({ name, dtype, shape, start, end }): TensorRef => {
    const known = huggingFaceName(name, row, facts.layers);
    if (known === undefined) throw say(`holds ${name.slice(0, 100)}, which a ${row.modelType} model does not have`);
    return { name: known, dtype, shape, source: path, start, end };
  });
  return {
    config: configOf(header, row, facts),
    tensors,
    shard: { file: path, bytes: source.size, headerBytes: bytes.length, headerSha256: sha256Hex(bytes) },
    orders: row.pairedRows ? kept.flatMap((tensor) => pairedOrder(tensor, facts, path)) : [],
    problems: problemsOf(header, path),
  };
}

const ORIGINAL = 'Open the original safetensors folder of this model.';

type Say = (what: string, hint?: string) => AppError;

function architectureOf(metadata: ReadonlyMap<string, GgufValue>, say: Say): Architecture {
  const type = metadata.get('general.type');
  if (type !== undefined && type !== 'model') throw say(`holds ${told(type)}, not a model`);
  const parts = metadata.get('split.count');
  if (typeof parts === 'number' && parts > 1) {
    throw say(`is one of ${parts} parts`, 'Join them with llama-gguf-split --merge, or open the original model.');
  }
  const name = metadata.get('general.architecture');
  const row = typeof name === 'string' && Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  if (row) return row;
  const norms = typeof name === 'string' && name.startsWith('gemma') ? ', whose norms the converter changes' : '';
  throw say(
    `holds a model of the architecture ${told(name)}${norms}; ${Object.keys(ARCHITECTURES).join(', ')} are read`,
  );
}

function told(value: GgufValue | undefined): string {
  return typeof value === 'string' ? `“${value.slice(0, 60)}”` : 'without a name';
}

interface Sizes {
  hidden: number;
  layers: number;
  heads: number;
  kvHeads: number;
  /** Of the metadata entries of this architecture. */
  entry(key: string): GgufValue | undefined;
}

function sizesOf({ metadata }: GgufHeader, row: Architecture, path: string): Sizes {
  const entry = (key: string) => metadata.get(`${row.modelType}.${key}`);
  const size = (key: string, otherwise?: number): number => {
    const value = entry(key) ?? otherwise;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    throw missing(path, `${row.modelType}.${key}`);
  };
  const heads = size('attention.head_count');
  return {
    hidden: size('embedding_length'),
    layers: size('block_count'),
    heads,
    kvHeads: size('attention.head_count_kv', heads),
    entry,
  };
}

function huggingFaceName(name: string, row: Architecture, layers: number): string | undefined {
  const top = /^([a-z_]+)\.weight$/.exec(name)?.[1];
  if (top !== undefined && Object.hasOwn(TOP, top)) return `${TOP[top]}.weight`;
  const match = /^blk\.(0|[1-9]\d{0,4})\.([a-z_]+)\.(weight|bias)$/.exec(name);
  if (!match) return undefined;
  const [, layer, part, kind] = match as unknown as [string, string, string, string];
  if (Number(layer) >= layers || !Object.hasOwn(row.layer, part)) return undefined;
  return `model.layers.${layer}.${row.layer[part]}.${kind}`;
}

/** q and k of llama: Hugging Face's row (head, half i, j) is row (head, 2j + i) of the file. k has the heads of the keys. */
function pairedOrder({ name, shape, start, end }: GgufTensor, { heads, kvHeads }: Sizes, path: string): RowOrder[] {
  const part = /^blk\.\d+\.attn_([qk])\.(?:weight|bias)$/.exec(name)?.[1];
  const rows = shape[0] ?? 0;
  if (part === undefined || rows === 0 || start === end) return [];
  const headRows = rows / (part === 'q' ? heads : kvHeads);
  const rowBytes = (end - start) / rows;
  if (headRows % 2 !== 0 || headRows * rowBytes > MAX_HEAD_BYTES) {
    throw new AppError('gguf-invalid', `${path} has ${rows} rows in ${name}, which its heads do not share.`, ORIGINAL, {
      file: path,
      tensor: name,
    });
  }
  return [{ start, end, headRows, rowBytes }];
}

/** As far as it can be told; keys that have the same meaning in all three architectures. */
function configOf(
  { metadata, tensors }: GgufHeader,
  row: Architecture,
  { hidden, layers, heads, kvHeads, entry }: Sizes,
): GgufModel['config'] {
  const named = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const queryRows = named.get('blk.0.attn_q.weight')?.shape[0];
  const config: GgufModel['config'] = {
    architectures: [row.className],
    model_type: row.modelType,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: entry('attention.key_length') ?? (queryRows ?? hidden) / heads,
    intermediate_size: entry('feed_forward_length'),
    vocab_size: named.get('token_embd.weight')?.shape[0],
    max_position_embeddings: entry('context_length'),
    rms_norm_eps: decimal(entry('attention.layer_norm_rms_epsilon')),
    rope_theta: decimal(entry('rope.freq_base')) ?? 10_000,
    hidden_act: 'silu',
    tie_word_embeddings: !named.has('output.weight'),
    torch_dtype: TORCH_NAMES[named.get('token_embd.weight')?.dtype ?? ''],
    bos_token_id: metadata.get('tokenizer.ggml.bos_token_id'),
    eos_token_id: metadata.get('tokenizer.ggml.eos_token_id'),
  };
  if (row.modelType === 'llama' && named.has('blk.0.attn_q.bias')) config.attention_bias = true;
  if (entry('rope.scaling.type') === 'linear') {
    config.rope_scaling = { rope_type: 'linear', factor: decimal(entry('rope.scaling.factor')) };
  }
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as GgufModel['config'];
}

const TORCH_NAMES: Partial<Record<string, string>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F64: 'float64',
};

/** 1e-6 became the float 9.99999997e-7 in the file; seven digits give back what a person wrote. */
function decimal(value: GgufValue | undefined): number | undefined {
  return typeof value === 'number' ? Number(value.toPrecision(7)) : undefined;
}

function problemsOf({ metadata, tensors }: GgufHeader, path: string): Problem[] {
  const buffers = tensors.filter(({ name }) => BUFFERS.has(name)).map(({ name }) => name);
  const scaling = [...metadata].find(([key]) => key.endsWith('.rope.scaling.type'))?.[1];
  if (buffers.length === 0 && (scaling === undefined || scaling === 'none' || scaling === 'linear')) return [];
  const left = buffers.length > 0 ? `${buffers.join(', ')} is left out` : `the scaling ${told(scaling)} is left out`;
  return [
    {
      code: 'config-invalid',
      message: `${path} stretches its positions, and its metadata does not tell how: ${left}.`,
      hint: 'The weights are complete. Take config.json from the original model: the one derived here lacks rope_scaling.',
    },
  ];
}

function missing(path: string, what: string): AppError {
  return new AppError('gguf-invalid', `${path} lacks ${what}, or it is no usable number.`, ORIGINAL, { file: path });
}
