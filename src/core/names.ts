/** What a tensor's name tells in every family: its layer, whether its rows are words of the vocabulary, whether it is a buffer. */

import type { TensorInfo } from './tensor.ts';

const EMBEDDING = /(?:^|\.)(?:embed_tokens|wte|embed_in|word_embeddings)\.weight$/;
const HEAD = /(?:^|\.)(?:lm_head|embed_out)\.(?:weight|bias)$/;

/** Rows are words going in. */
export function isEmbedding(name: string): boolean {
  return EMBEDDING.test(name);
}

/** Rows are words coming out. */
export function isHead(name: string): boolean {
  return HEAD.test(name);
}

export function isVocabulary(name: string): boolean {
  return isEmbedding(name) || isHead(name);
}

/** "model.layers.12.self_attn.q_proj.weight" -> 12; undefined for what lies outside the layers. */
export function layerOf(name: string): number | undefined {
  const match = /(?:^|\.)(\d+)\./.exec(name);
  return match ? Number(match[1]) : undefined;
}

/**
 * Numbers that are computed from the config, not learned: rotary frequencies, causal masks, positions. Older transformers saved them,
 * newer ones do not, so one model of three may have them.
 */
export function isBuffer({ name, shape }: Pick<TensorInfo, 'name' | 'shape'>): boolean {
  if (/(?:^|\.)(?:rotary_emb\.(?:inv_freq|cos_cached|sin_cached)|masked_bias|position_ids)$/.test(name)) return true;
  // gpt2's causal mask is called like a bias, but has four dimensions.
  return /(?:^|\.)attn(?:ention)?\.bias$/.test(name) && shape.length === 4;
}
