/**
 * A GGUF file of a Llama-shaped model, written by hand: what llama.cpp needs to load it. Its tokens are single characters without a meaning
 * (private use, from FIRST_CHARACTER on), so that a text stands for ids and ids for a text.
 */

import { closeSync, openSync, writeSync } from 'node:fs';

export const FIRST_CHARACTER = 0xf0000;

const ALIGNMENT = 32;
const TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 };
const NORMAL_TOKEN = 1;
/** Numbers that share a scale in Q8_0. */
const BLOCK = 32;

/** bf16 values as one sort of GGUF tensor; matrices only, a norm is always F32. `fileType` is llama.cpp's word for a file full of them. */
const ENCODINGS = {
  f32: {
    type: 0,
    fileType: 0,
    bytes: (elements) => 4 * elements,
    encode: (values) => new Uint8Array(widened(values).buffer),
  },
  q8_0: { type: 8, fileType: 7, bytes: (elements) => (elements / BLOCK) * (2 + BLOCK), encode: quantized },
};

function widened(values) {
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = values[i] << 16;
  return new Float32Array(bits.buffer);
}

/** Blocks of a float16 scale and 32 signed bytes, as ggml's quantize_row_q8_0_ref makes them. */
function quantized(values) {
  const floats = widened(values);
  const out = new Uint8Array(ENCODINGS.q8_0.bytes(floats.length));
  const view = new DataView(out.buffer);
  for (let first = 0, at = 0; first < floats.length; first += BLOCK) {
    let largest = 0;
    for (let i = first; i < first + BLOCK; i++) largest = Math.max(largest, Math.abs(floats[i]));
    const scale = largest / 127;
    view.setUint16(at, halfBits(scale), true);
    at += 2;
    for (let i = first; i < first + BLOCK; i++) view.setInt8(at++, Math.round(floats[i] / scale));
  }
  return out;
}

const one = new Float32Array(1);
const oneBits = new Uint32Array(one.buffer);

/** A positive number from 2^-14 to 65504 as float16: the scales of weights that are no smaller than 0.008 at their largest. */
function halfBits(number) {
  one[0] = number;
  const exponentOffset = 127 - 15;
  return (oneBits[0] - (exponentOffset << 23) + (1 << 12)) >>> 13;
}

/** llama.cpp's name of a tensor, by its last part but one. */
const NAMES = {
  embed_tokens: 'token_embd',
  norm: 'output_norm',
  input_layernorm: 'attn_norm',
  q_proj: 'attn_q',
  k_proj: 'attn_k',
  v_proj: 'attn_v',
  o_proj: 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  gate_proj: 'ffn_gate',
  up_proj: 'ffn_up',
  down_proj: 'ffn_down',
};

function nameOf(name) {
  const layer = /\.layers\.(\d+)\./.exec(name)?.[1];
  return `${layer === undefined ? '' : `blk.${layer}.`}${NAMES[name.split('.').at(-2)]}.weight`;
}

/** Rows of q and k as llama.cpp rotates them: the two that turn together are neighbours, where Hugging Face keeps a head's halves apart. */
function interleaveHalves(values, headDim, width) {
  const out = new Uint16Array(values.length);
  const half = headDim / 2;
  for (let row = 0; row < values.length / width; row++) {
    const inHead = row % headDim;
    const stored = row - inHead + (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1);
    out.set(values.subarray(row * width, (row + 1) * width), stored * width);
  }
  return out;
}

/** Grows as it is written to. */
function writer() {
  const parts = [];
  const add = (bytes, fill) => {
    const part = Buffer.alloc(bytes);
    fill(part);
    parts.push(part);
  };
  const uint32 = (value) => add(4, (part) => part.writeUInt32LE(value));
  const uint64 = (value) => add(8, (part) => part.writeBigUInt64LE(BigInt(value)));
  const string = (value) => {
    uint64(Buffer.byteLength(value));
    parts.push(Buffer.from(value));
  };
  const scalars = {
    uint32,
    int32: uint32,
    float32: (value) => add(4, (part) => part.writeFloatLE(value)),
    bool: (value) => add(1, (part) => part.writeUInt8(value ? 1 : 0)),
    string,
  };
  const entry = (key, type, value) => {
    string(key);
    if (!Array.isArray(value)) {
      uint32(TYPES[type]);
      scalars[type](value);
      return;
    }
    uint32(TYPES.array);
    uint32(TYPES[type]);
    uint64(value.length);
    value.forEach(scalars[type]);
  };
  return { uint32, uint64, string, entry, parts };
}

function metadata({ hidden, intermediate, layers, heads, kv, vocabulary, positions, theta }, fileType) {
  const tokens = Array.from({ length: vocabulary }, (_, id) => String.fromCodePoint(FIRST_CHARACTER + id));
  return [
    ['general.architecture', 'string', 'llama'],
    ['general.file_type', 'uint32', fileType],
    ['general.quantization_version', 'uint32', 2],
    ['llama.vocab_size', 'uint32', vocabulary],
    ['llama.context_length', 'uint32', positions],
    ['llama.embedding_length', 'uint32', hidden],
    ['llama.block_count', 'uint32', layers],
    ['llama.feed_forward_length', 'uint32', intermediate],
    ['llama.attention.head_count', 'uint32', heads],
    ['llama.attention.head_count_kv', 'uint32', kv],
    ['llama.attention.layer_norm_rms_epsilon', 'float32', 1e-5],
    ['llama.rope.dimension_count', 'uint32', hidden / heads],
    ['llama.rope.freq_base', 'float32', theta],
    ['tokenizer.ggml.model', 'string', 'llama'],
    ['tokenizer.ggml.tokens', 'string', tokens],
    ['tokenizer.ggml.scores', 'float32', tokens.map(() => 0)],
    ['tokenizer.ggml.token_type', 'int32', tokens.map(() => NORMAL_TOKEN)],
    ['tokenizer.ggml.add_bos_token', 'bool', false],
    ['tokenizer.ggml.add_space_prefix', 'bool', false],
  ];
}

/**
 * @param shape of models.mjs, with `positions` and `theta`
 * @param {[name: string, shape: number[]][]} tensors Hugging Face's names
 * @param {(name: string, shape: number[]) => Uint16Array} valuesOf their bf16 values
 * @param {'f32'|'q8_0'} encoding of the matrices
 */
export function writeGguf(path, shape, tensors, valuesOf, encoding) {
  const encodingOf = (dimensions) => ENCODINGS[dimensions.length === 1 ? 'f32' : encoding];
  const entries = metadata(shape, ENCODINGS[encoding].fileType);
  const head = writer();
  head.parts.push(Buffer.from('GGUF'));
  head.uint32(3);
  head.uint64(tensors.length);
  head.uint64(entries.length);
  for (const entry of entries) head.entry(...entry);
  let offset = 0;
  for (const [name, dimensions] of tensors) {
    const { type, bytes } = encodingOf(dimensions);
    head.string(nameOf(name));
    head.uint32(dimensions.length);
    for (const dimension of [...dimensions].reverse()) head.uint64(dimension);
    head.uint32(type);
    head.uint64(offset);
    offset += padded(bytes(dimensions.reduce((product, size) => product * size, 1)));
  }
  const file = openSync(path, 'w');
  const write = (bytes) => {
    writeSync(file, bytes);
    writeSync(file, Buffer.alloc(padded(bytes.length) - bytes.length));
  };
  write(Buffer.concat(head.parts));
  for (const [name, dimensions] of tensors) {
    const values = valuesOf(name, dimensions);
    const rotated = /\.[qk]_proj\./.test(name);
    const stored = rotated ? interleaveHalves(values, shape.hidden / shape.heads, dimensions[1]) : values;
    write(encodingOf(dimensions).encode(stored));
  }
  closeSync(file);
}

const padded = (bytes) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
