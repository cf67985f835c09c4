/**
 * The normal form of a decoder as an ONNX graph, with the inputs and outputs that onnxruntime and transformers.js call by name.
 * Pure: it never touches a weight, only its name and shape.
 */

import { type AttentionValues, attend, attentionValues, BATCH, pastName } from './attention.ts';
import { type FloatType, type GraphBuilder, graphBuilder } from './builder.ts';
import type { Block, Decoder } from './form.ts';
import { addAndNorm, embed, linear, mlp, norm, scaled, softcap, type Table } from './layers.ts';
import type { OnnxGraph } from './onnx.ts';
import { type ProjectionContext, project } from './projections.ts';
import type { Quantization } from './quantize.ts';

/** The end of a Slice that goes to the end. */
const TO_THE_END = 2 ** 53;

/** Some blocks on end: the first of them and one past the last. */
export interface Segment {
  from: number;
  to: number;
}

export interface DecoderOptions {
  /** The longest context that the tables of rotations cover. */
  positions: number;
  floatType?: FloatType;
  quantization?: Quantization | undefined;
  /** The embedding is read in the type it is stored in; not together with a quantization. */
  storedTable?: Table['stored'];
  /** 'fused' unless a device computes it wrongly. */
  attention?: 'fused' | 'spelled-out';
  /**
   * Only these blocks: without the first one the graph takes `stream` float [batch * new, hidden] instead of input_ids, without the last one
   * it gives `stream`. All of them where left out.
   */
  segment?: Segment;
}

/** What every block uses. */
interface Shared extends ProjectionContext {
  /** int64 [1]. */
  batch: string;
  attention: AttentionValues;
}

/** What enters and leaves the graph between segments. */
export const STREAM_IN = 'stream';
export const STREAM_OUT = 'stream.out';

/**
 * Inputs: input_ids, position_ids int64 [batch, new]; attention_mask int64 [batch, total]; num_logits_to_keep int64 scalar (0 = all);
 * past_key_values.N.key and .value. Outputs: logits float32 [batch, kept, vocabulary]; present.N.key and .value.
 */
export function decoderGraph(decoder: Decoder, options: DecoderOptions): OnnxGraph {
  const builder = graphBuilder(options.floatType);
  const { from, to } = options.segment ?? { from: 0, to: decoder.blocks.length };
  const whole = { first: from === 0, last: to === decoder.blocks.length };
  declareInputs(builder, decoder, { from, to }, whole);
  const shared = sharedValues(builder, decoder, options);

  let stream = whole.first ? embedded(builder, decoder, options) : STREAM_IN; // tokens of all rows, [batch * new, hidden]
  const [firstBlock] = decoder.blocks.slice(from, to);
  let normed = firstBlock?.attentionNorm ? norm(builder, stream, firstBlock.attentionNorm) : stream;
  for (let number = from; number < to; number++) {
    const block = decoder.blocks[number]!;
    const last = number === to - 1;
    let mixed = attention(builder, shared, block, number, normed);
    if (last && whole.last) {
      // From here on a position depends on no other: go on with those whose logits are wanted.
      mixed = keepLast(builder, shared, mixed, block.attention.output.inputs);
      stream = keepLast(builder, shared, stream, decoder.hidden);
      if (block.parallel) normed = keepLast(builder, shared, normed, decoder.hidden);
    }
    const next = last ? (whole.last ? decoder.finalNorm : undefined) : decoder.blocks[number + 1]!.attentionNorm;
    [stream, normed] = throughBlock(builder, shared, block, { stream, normed, mixed }, next);
  }
  if (whole.last) head(builder, decoder, shared, normed);
  else giveStream(builder, decoder, stream);
  return builder.graph;
}

function declareInputs(
  builder: GraphBuilder,
  decoder: Decoder,
  { from, to }: Segment,
  whole: { first: boolean; last: boolean },
): void {
  builder.input(
    whole.first
      ? { name: 'input_ids', type: 'i64', shape: [BATCH, 'new'] }
      : { name: STREAM_IN, type: builder.floatType, shape: ['tokens', decoder.hidden] },
  );
  builder.input({ name: 'attention_mask', type: 'i64', shape: [BATCH, 'total'] });
  builder.input({ name: 'position_ids', type: 'i64', shape: [BATCH, 'new'] });
  if (whole.last) builder.input({ name: 'num_logits_to_keep', type: 'i64', shape: [] });
  const cacheShape = [BATCH, decoder.keyValueHeads, 'past', decoder.headDim];
  for (let block = from; block < to; block++) {
    for (const part of ['key', 'value'] as const) {
      builder.input({ name: pastName(block, part), type: builder.floatType, shape: cacheShape });
    }
  }
}

function sharedValues(builder: GraphBuilder, decoder: Decoder, options: DecoderOptions): Shared {
  const dimension = (value: string, axis: number): string =>
    builder.op('Gather', [builder.op('Shape', [value]), builder.integers([axis])]);
  const batch = dimension('attention_mask', 0);
  const total = dimension('attention_mask', 1);
  const newTokens = dimension('position_ids', 1);
  return {
    decoder,
    positions: options.positions,
    quantization: options.quantization,
    rotations: new Map(),
    batch,
    byRow(value, width) {
      const lengths = builder.op('Concat', [batch, newTokens, builder.integers([width])], { attributes: { axis: 0 } });
      return builder.op('Reshape', [value, lengths]);
    },
    attention: attentionValues(builder, { batch, newTokens, total }, options.attention !== 'spelled-out'),
  };
}

/** -> [batch * new, hidden]. */
function embedded(builder: GraphBuilder, decoder: Decoder, { quantization, storedTable }: DecoderOptions): string {
  const { embedding, vocabulary, hidden, embeddingScale, learned } = decoder;
  const table = { weight: embedding, rows: vocabulary, width: hidden, stored: storedTable };
  const words = scaled(builder, embed(builder, 'input_ids', table, quantization), embeddingScale);
  if (!learned) return words;
  const { weight, rows, offset } = learned;
  const place = offset === 0 ? 'position_ids' : builder.op('Add', ['position_ids', builder.integers(offset)]);
  const places = builder.op('Gather', [builder.weight(weight, [rows, hidden]), place]);
  return builder.op('Add', [words, builder.reshape(places, [-1, hidden])]);
}

/** -> [batch * new, heads * head dim], not yet through the output projection. */
function attention(builder: GraphBuilder, shared: Shared, block: Block, number: number, input: string): string {
  const projections = project(builder, shared, block.attention, input);
  const mixed = attend(builder, shared.decoder, shared.attention, number, block.attention, projections);
  return builder.reshape(mixed, [-1, block.attention.output.inputs]);
}

/** The rest of a block: [stream, the stream as the next block's norm leaves it]. */
function throughBlock(
  builder: GraphBuilder,
  { decoder: { residualScale }, quantization }: Shared,
  block: Block,
  { stream, normed, mixed }: { stream: string; normed: string; mixed: string },
  next: Block['attentionNorm'],
): [string, string] {
  const { attention: made, attentionPostNorm, mlpNorm, mlpPostNorm } = block;
  const after = (value: string, post: Block['attentionNorm']): string =>
    scaled(builder, post ? norm(builder, value, post) : value, residualScale);
  const fromAttention = after(linear(builder, mixed, made.output, quantization), attentionPostNorm);
  if (block.parallel) {
    const own = mlpNorm ? norm(builder, stream, mlpNorm) : normed;
    const fromMlp = after(mlp(builder, block.mlp, own, quantization), mlpPostNorm);
    return addAndNorm(builder, stream, builder.op('Add', [fromAttention, fromMlp]), next);
  }
  const [between, own] = addAndNorm(builder, stream, fromAttention, mlpNorm);
  return addAndNorm(builder, between, after(mlp(builder, block.mlp, own, quantization), mlpPostNorm), next);
}

/** [batch * new, width] -> [batch * kept, width]: the last num_logits_to_keep positions of each row; a start of -0 keeps all. */
function keepLast(builder: GraphBuilder, shared: Shared, value: string, width: number): string {
  const start = builder.op('Neg', [builder.reshape('num_logits_to_keep', [1])]);
  const rows = shared.byRow(value, width);
  const kept = builder.op('Slice', [rows, start, builder.integers([TO_THE_END]), builder.integers([1])]);
  return builder.reshape(kept, [-1, width]);
}

function head(builder: GraphBuilder, decoder: Decoder, { quantization, batch }: Shared, normed: string): void {
  const { vocabulary, logitScale, logitSoftcap } = decoder;
  const table = quantization && { ...quantization, bits: quantization.tableBits };
  const flat = scaled(builder, linear(builder, normed, decoder.head, table), logitScale);
  const capped = logitSoftcap === undefined ? flat : softcap(builder, flat, logitSoftcap);
  const shape = builder.op('Concat', [batch, builder.integers([-1, vocabulary])], { attributes: { axis: 0 } });
  if (builder.floatType === 'f32') builder.op('Reshape', [capped, shape], { outputs: ['logits'] });
  else
    builder.op('Cast', [builder.op('Reshape', [capped, shape])], {
      attributes: { to: { type: 'f32' } },
      outputs: ['logits'],
    });
  builder.output({ name: 'logits', type: 'f32', shape: [BATCH, 'kept', vocabulary] });
}

function giveStream(builder: GraphBuilder, decoder: Decoder, stream: string): void {
  builder.op('Identity', [stream], { outputs: [STREAM_OUT] });
  builder.output({ name: STREAM_OUT, type: builder.floatType, shape: ['tokens', decoder.hidden] });
}
