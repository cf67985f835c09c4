/**
 * Families of three bf16 checkpoints of Llama shape, made by script once per size and kept in the system's temporary folder. The weights
 * mean nothing; their sizes and shapes do, and that the three differ by about as much as fine-tunes do.
 */

import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `7b` is Llama 2's shape, `1.1b` TinyLlama's; `125m` has the vocabulary that makes 125 million; `30m`, for tests, has fewer than it says.
 * Each model in bf16: 13.5, 2.2, 0.25 and 0.04 GB. `smollm2-135m` is what the benchmark of models runs (one-model.mjs): 0.27 GB.
 */
export const SHAPES = {
  '30m': { hidden: 384, intermediate: 1024, layers: 8, heads: 6, kv: 2, vocabulary: 16384, tied: true },
  'smollm2-135m': {
    ...{ hidden: 576, intermediate: 1536, layers: 30, heads: 9, kv: 3, vocabulary: 49152, tied: true },
    ...{ positions: 8192, theta: 100000 },
  },
  '125m': { hidden: 768, intermediate: 2048, layers: 12, heads: 12, kv: 12, vocabulary: 52000, tied: true },
  '1.1b': { hidden: 2048, intermediate: 5632, layers: 22, heads: 32, kv: 4, vocabulary: 32000, tied: false },
  '7b': { hidden: 4096, intermediate: 11008, layers: 32, heads: 32, kv: 32, vocabulary: 32000, tied: false },
};

export const ROLES = ['sft', 'aligned', 'unaligned'];

const BYTES_EACH = 2;
/** Elements that are random; files repeat them. Filling 2 GB value by value would take longer than writing it. */
const TILE = 4 << 20;
/** The lowest bits of the mantissa, in which a family differs: up to 5 % of a weight. */
const NOISE = 7;

/** @returns {[name: string, shape: number[]][]} in the order of the modules */
export function tensorsOf({ hidden, intermediate, layers, heads, kv, vocabulary, tied }) {
  const narrow = (hidden / heads) * kv;
  const tensors = [['model.embed_tokens.weight', [vocabulary, hidden]]];
  for (let layer = 0; layer < layers; layer++) {
    const add = (name, shape) => tensors.push([`model.layers.${layer}.${name}.weight`, shape]);
    add('input_layernorm', [hidden]);
    add('self_attn.q_proj', [hidden, hidden]);
    add('self_attn.k_proj', [narrow, hidden]);
    add('self_attn.v_proj', [narrow, hidden]);
    add('self_attn.o_proj', [hidden, hidden]);
    add('post_attention_layernorm', [hidden]);
    add('mlp.gate_proj', [intermediate, hidden]);
    add('mlp.up_proj', [intermediate, hidden]);
    add('mlp.down_proj', [hidden, intermediate]);
  }
  tensors.push(['model.norm.weight', [hidden]]);
  if (!tied) tensors.push(['lm_head.weight', [vocabulary, hidden]]);
  return tensors;
}

export function configOf(shape) {
  const { hidden, intermediate, layers, heads, kv, vocabulary, tied, positions = 2048, theta = 10000 } = shape;
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kv,
    vocab_size: vocabulary,
    max_position_embeddings: positions,
    rms_norm_eps: 1e-5,
    rope_theta: theta,
    hidden_act: 'silu',
    tie_word_embeddings: tied,
    torch_dtype: 'bfloat16',
  };
}

const bytesOf = (shape) => shape.reduce((product, size) => product * size, 1) * BYTES_EACH;

/**
 * One pass of xorshift32: bf16 values of magnitude 2^-8 to 2^-4, all finite.
 * @param {number} noiseSeed not zero: the generator would stay there
 */
export function tile(noiseSeed) {
  const values = new Uint16Array(TILE);
  const next = (state) => {
    const a = state ^ (state << 13);
    const b = a ^ (a >>> 17);
    return b ^ (b << 5);
  };
  let state = 1235;
  let noise = noiseSeed;
  for (let i = 0; i < TILE; i++) {
    state = next(state);
    noise = next(noise);
    values[i] = (((state & 1) << 15) | (0x3b80 + ((state >>> 8) & 0x1ff))) ^ ((noise >>> 8) & NOISE);
  }
  return Buffer.from(values.buffer);
}

/** Cuts the tensors into files of about the same size, in their order. */
function spreadOver(tensors, files) {
  const total = tensors.reduce((sum, [, shape]) => sum + bytesOf(shape), 0);
  const parts = Array.from({ length: files }, () => []);
  let before = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor[1]);
    parts[Math.floor((files * (before + bytes / 2)) / total)].push(tensor);
    before += bytes;
  }
  return parts.filter((part) => part.length > 0);
}

/**
 * One file of bf16 tensors, in the order they are given.
 * @param {(bytes: number) => Iterable<Uint8Array>} values that many bytes: all tensors, one after the other
 */
export function writeSafetensors(path, tensors, values) {
  const header = {};
  let offset = 0;
  for (const [name, shape] of tensors) {
    const end = offset + bytesOf(shape);
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, end] };
    offset = end;
  }
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, 'w');
  writeSync(file, length);
  writeSync(file, text);
  for (const piece of values(offset)) writeSync(file, piece);
  closeSync(file);
  return offset;
}

/** The tile again and again. */
function* repeated(block, bytes) {
  for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
}

/** As the safetensors library writes tensors of one type. */
export const byName = (tensors) => [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));

function writeModel(folder, shape, files, block) {
  mkdirSync(folder, { recursive: true });
  const parts = spreadOver(tensorsOf(shape), files);
  const count = String(parts.length).padStart(5, '0');
  const weightMap = {};
  let total = 0;
  parts.forEach((part, index) => {
    const name =
      parts.length === 1 ? 'model.safetensors' : `model-${String(index + 1).padStart(5, '0')}-of-${count}.safetensors`;
    total += writeSafetensors(join(folder, name), byName(part), (bytes) => repeated(block, bytes));
    for (const [tensor] of part) weightMap[tensor] = name;
  });
  if (parts.length > 1) {
    const index = { metadata: { total_size: total }, weight_map: weightMap };
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf(shape)));
}

/**
 * A folder among the temporary files, made at the first call only.
 * @param {(aside: string) => void} make fills it
 */
export function madeOnce(name, make) {
  const root = join(tmpdir(), name);
  if (existsSync(root)) return root;
  // Made aside: a folder of this name is always whole, also when two processes make it at once.
  const aside = mkdtempSync(`${root}-`);
  make(aside);
  try {
    renameSync(aside, root);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(root)) throw error;
  }
  return root;
}

/**
 * @param {string} size a key of SHAPES
 * @param {number} files that each model is spread over
 * @returns {{root: string, sft: string, aligned: string, unaligned: string, bytes: number}} folders, and the bytes of one model's weights
 */
export function makeModels(size, files = 1) {
  const shape = SHAPES[size];
  if (!shape) throw new Error(`No model size "${size}": choose ${Object.keys(SHAPES).join(', ')}.`);
  const root = madeOnce(`resta-web-family-${size}${files > 1 ? `-${files}-files` : ''}`, (aside) => {
    ROLES.forEach((role, index) => {
      // Seeds are odd, as the generator wants none that is zero.
      writeModel(join(aside, role), shape, files, tile(2 * index + 77));
    });
  });
  const bytes = tensorsOf(shape).reduce((sum, [, dimensions]) => sum + bytesOf(dimensions), 0);
  return { root, sft: join(root, 'sft'), aligned: join(root, 'aligned'), unaligned: join(root, 'unaligned'), bytes };
}
