/**
 * The normal form: what a decoder-only transformer computes, whatever family it comes from, with the checkpoint's own tensor names.
 * Families (families/) are turned into it by normalize.ts; decoder.ts writes it as nodes. It holds no numbers but those of the config.
 */

/** y = x W^T + b. */
export interface Linear {
  weight: string;
  bias?: string;
  inputs: number;
  outputs: number;
  /** True where the checkpoint stores W as [inputs, outputs] (GPT-2's Conv1D) instead of PyTorch's [outputs, inputs]. */
  transposed: boolean;
}

/** RMS norm (no mean taken off, no bias) or layer norm, over the last `width` numbers. */
export interface Norm {
  kind: 'rms' | 'layer';
  width: number;
  epsilon: number;
  /** Left out where there is none: all ones. */
  weight?: string;
  bias?: string;
  /** Added to the weight: Gemma and Nemotron store it as a difference from one. */
  offset: 0 | 1;
}

/** A norm of queries or keys: over each head with one weight for all of them or one per head, or over all heads at once. */
export interface HeadNorm extends Omit<Norm, 'weight'> {
  /** Tensors that make the weight, one under the other. */
  weights: readonly string[];
  /** Shape of each of them. */
  shape: readonly number[];
}

/** Rotary positions. */
export interface Rotation {
  /** Radians per position of each pair; twice as many dimensions of a head are turned, from the first on. */
  frequencies: Float32Array;
  /** Cosines and sines are multiplied by it. */
  scale: number;
  /** Pairs are neighbours (GPT-J's way) instead of half a width apart. */
  interleaved: boolean;
}

/** Queries, keys and values by three layers, or by one whose outputs are groups of so many heads of each. */
export type Projection =
  | { fused: false; query: Linear; key: Linear; value: Linear }
  | { fused: true; all: Linear; groups: number; perGroup: readonly [query: number, key: number, value: number] };

export interface Attention {
  projection: Projection;
  /** Projections are cut off at plus and minus this. */
  clip?: number;
  queryNorm?: HeadNorm;
  keyNorm?: HeadNorm;
  /** Queries and keys are turned first and normed afterwards. */
  normAfterRotation: boolean;
  rotation?: Rotation;
  /** A token sees this many tokens back, itself included; all where left out. */
  window?: number;
  /** Of scores before the softmax. */
  scale: number;
  /** Scores s become cap * tanh(s / cap). */
  softcap?: number;
  output: Linear;
}

export type Activation = 'silu' | 'gelu' | 'gelu-tanh' | 'relu' | 'relu2';

/** down(act(up(x))), or down(act(gate(x)) * up(x)); gate and up may be one layer, the gate's outputs first. */
export interface Mlp {
  activation: Activation;
  gate?: Linear;
  up: Linear;
  gateAndUp: boolean;
  down: Linear;
}

/**
 * In sequence: x += post(attention(norm(x))), then x += post(mlp(norm(x))). In parallel: x += attention(norm(x)) + mlp(its norm(x), or the
 * same where it has none). Norms that a family lacks are left out.
 */
export interface Block {
  parallel: boolean;
  attentionNorm?: Norm;
  attention: Attention;
  attentionPostNorm?: Norm;
  mlpNorm?: Norm;
  mlp: Mlp;
  mlpPostNorm?: Norm;
}

export interface Decoder {
  family: string;
  hidden: number;
  heads: number;
  keyValueHeads: number;
  headDim: number;
  vocabulary: number;
  /** The longest context that is computed as the family means it. */
  maxPositions: number;
  /** [vocabulary, hidden]. */
  embedding: string;
  embeddingScale: number;
  /** Learned positions [rows, hidden]; position p is row p + offset. */
  learned?: { weight: string; rows: number; offset: number };
  /** What each half of a block adds is multiplied by it. */
  residualScale: number;
  blocks: Block[];
  finalNorm?: Norm;
  /** The embedding itself when tied. */
  head: Linear;
  logitScale: number;
  /** Logits l become cap * tanh(l / cap). */
  logitSoftcap?: number;
}

/** Every linear layer of a block, one that does two jobs once. */
export function linearsOf({ attention: { projection, output }, mlp }: Block): Linear[] {
  const projections = projection.fused ? [projection.all] : [projection.query, projection.key, projection.value];
  return [...projections, output, ...(mlp.gate ? [mlp.gate] : []), mlp.up, mlp.down];
}

/** Every tensor the normal form reads, with the shape the config promises. */
export function tensorShapes(decoder: Decoder): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const addLinear = ({ weight, bias, inputs, outputs, transposed }: Linear): void => {
    shapes.set(weight, transposed ? [inputs, outputs] : [outputs, inputs]);
    if (bias !== undefined) shapes.set(bias, [outputs]);
  };
  const addNorm = (norm: Norm | undefined): void => {
    if (norm?.weight !== undefined) shapes.set(norm.weight, [norm.width]);
    if (norm?.bias !== undefined) shapes.set(norm.bias, [norm.width]);
  };
  const addHeadNorm = (norm: HeadNorm | undefined): void => {
    for (const weight of norm?.weights ?? []) shapes.set(weight, norm!.shape);
    if (norm?.bias !== undefined) shapes.set(norm.bias, [norm.width]);
  };
  shapes.set(decoder.embedding, [decoder.vocabulary, decoder.hidden]);
  if (decoder.learned) shapes.set(decoder.learned.weight, [decoder.learned.rows, decoder.hidden]);
  for (const block of decoder.blocks) {
    for (const norm of [block.attentionNorm, block.attentionPostNorm, block.mlpNorm, block.mlpPostNorm]) addNorm(norm);
    addHeadNorm(block.attention.queryNorm);
    addHeadNorm(block.attention.keyNorm);
    for (const linear of linearsOf(block)) addLinear(linear);
  }
  addNorm(decoder.finalNorm);
  addLinear(decoder.head);
  return shapes;
}
