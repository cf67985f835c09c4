/**
 * Three random bf16 checkpoints of Llama shape for the merge benchmark, made once per size and kept in the system's temporary folder.
 * The weights mean nothing; their sizes and shapes do.
 */

import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** hidden, intermediate, layers, heads, key-value heads, vocabulary; in bf16 1g and 4g are files of 1 and 4 GB */
export const SHAPES = {
  '30m': [384, 1024, 8, 6, 2, 16384],
  '125m': [768, 2048, 12, 12, 12, 32000],
  '1g': [2048, 5632, 10, 32, 4, 32000],
  '1b': [2048, 5632, 22, 32, 4, 32000],
  '4g': [2048, 5632, 44, 32, 4, 32000],
};

function tensorsOf([hidden, intermediate, layers, heads, kv, vocabulary]) {
  const head = hidden / heads;
  const tensors = [['model.embed_tokens.weight', [vocabulary, hidden]]];
  for (let layer = 0; layer < layers; layer++) {
    const add = (name, shape) => tensors.push([`model.layers.${layer}.${name}.weight`, shape]);
    add('input_layernorm', [hidden]);
    add('self_attn.q_proj', [hidden, hidden]);
    add('self_attn.k_proj', [kv * head, hidden]);
    add('self_attn.v_proj', [kv * head, hidden]);
    add('self_attn.o_proj', [hidden, hidden]);
    add('post_attention_layernorm', [hidden]);
    add('mlp.gate_proj', [intermediate, hidden]);
    add('mlp.up_proj', [intermediate, hidden]);
    add('mlp.down_proj', [hidden, intermediate]);
  }
  tensors.push(['model.norm.weight', [hidden]]);
  return tensors;
}

function configOf([hidden, intermediate, layers, heads, kv, vocabulary]) {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kv,
    vocab_size: vocabulary,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: 'silu',
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
  };
}

/** One pass of xorshift32 fills a block with bf16 values of magnitude 2^-8 to 2^-5; blocks repeat with another start. */
function randomBlock(seed, elements) {
  const block = new Uint16Array(elements);
  let state = seed | 1;
  for (let i = 0; i < elements; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    block[i] = ((state & 1) << 15) | (0x3b80 + ((state >>> 8) & 0x1ff));
  }
  return Buffer.from(block.buffer);
}

function writeModel(folder, shape, seed) {
  mkdirSync(folder, { recursive: true });
  const header = {};
  let offset = 0;
  for (const [name, dimensions] of tensorsOf(shape)) {
    const bytes = dimensions.reduce((a, b) => a * b, 1) * 2;
    header[name] = { dtype: 'BF16', shape: dimensions, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(join(folder, 'model.safetensors'), 'w');
  writeSync(file, length);
  writeSync(file, text);
  const block = randomBlock(seed, 4 << 20);
  for (let left = offset; left > 0; left -= block.length) writeSync(file, block, 0, Math.min(left, block.length));
  closeSync(file);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf(shape)));
  return offset;
}

/** @returns {{sft: string, aligned: string, unaligned: string, bytes: number}} folders, and the bytes of one model's weights */
export function makeModels(size) {
  const shape = SHAPES[size];
  if (!shape) throw new Error(`No model size "${size}": choose ${Object.keys(SHAPES).join(', ')}.`);
  const root = join(tmpdir(), `resta-web-bench-${size}`);
  const folders = Object.fromEntries(['sft', 'aligned', 'unaligned'].map((role) => [role, join(root, role)]));
  const bytes = tensorsOf(shape).reduce((sum, [, dimensions]) => sum + dimensions.reduce((a, b) => a * b, 1) * 2, 0);
  if (!existsSync(join(root, 'complete'))) {
    Object.values(folders).forEach((folder, index) => {
      writeModel(folder, shape, 1235 + 2 * index); // odd, as the generator wants;
    });
    writeFileSync(join(root, 'complete'), '');
  }
  return { ...folders, root, bytes };
}
