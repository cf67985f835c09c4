/**
 * The normal form of a decoder as an ONNX graph, with the inputs and outputs that onnxruntime and transformers.js call by name.
 * Pure: it never touches a weight, only its name and shape.
 */

import { type AttentionValues, attend, attentionValues, pastName } from './attention.ts';
import { type GraphBuilder, graphBuilder } from './builder.ts';
import type { Block, Decoder, Linear } from './families.ts';
import type { OnnxGraph } from './onnx.ts';
import { rotationTables } from './rope.ts';

/** The end of a Slice that goes to the end. */
const TO_THE_END = 2 ** 53;

/** Values of the graph that every block uses. */
interface Shared {
  /** int64 [1] each. */
  batch: string;
  newTokens: string;
  cosines: string;
  sines: string;
  attention: AttentionValues;
}

/**
 * Inputs: input_ids, position_ids int64 [batch, new]; attention_mask int64 [batch, total]; num_logits_to_keep int64 scalar (0 = all);
 * past_key_values.N.key and .value. Outputs: logits float32 [batch, kept, vocabulary]; present.N.key and .value.
 * `positions` is the longest context the rotation tables cover.
 */
export function decoderGraph(decoder: Decoder, positions: number): OnnxGraph {
  const builder = graphBuilder();
  declareInputs(builder, decoder);
  const shared = sharedValues(builder, decoder, positions);

  const embedding = builder.weight(decoder.embedding, [decoder.vocabulary, decoder.hidden]);
  const embedded = builder.op('Gather', [embedding, 'input_ids']);
  let stream = builder.op('Reshape', [embedded, builder.integers([-1, decoder.hidden])]); // tokens of all rows, [batch * new, hidden]
  let normed = norm(builder, decoder, stream, decoder.blocks[0]!.attentionNorm);
  decoder.blocks.forEach((block, number) => {
    let mixed = attention(builder, decoder, shared, block, number, normed);
    if (number === decoder.blocks.length - 1) {
      // From here on a position depends on no other: go on with those whose logits are wanted.
      mixed = keepLast(builder, shared, mixed, block.output.inputs);
      stream = keepLast(builder, shared, stream, decoder.hidden);
    }
    [stream, normed] = addAndNorm(builder, decoder, stream, linear(builder, mixed, block.output), block.mlpNorm);
    const next = decoder.blocks[number + 1]?.attentionNorm ?? decoder.finalNorm;
    [stream, normed] = addAndNorm(builder, decoder, stream, mlp(builder, block, normed), next);
  });
  head(builder, decoder, shared, normed);
  return builder.graph;
}

function declareInputs(builder: GraphBuilder, decoder: Decoder): void {
  builder.input({ name: 'input_ids', type: 'i64', shape: ['batch', 'new'] });
  builder.input({ name: 'attention_mask', type: 'i64', shape: ['batch', 'total'] });
  builder.input({ name: 'position_ids', type: 'i64', shape: ['batch', 'new'] });
  builder.input({ name: 'num_logits_to_keep', type: 'i64', shape: [] });
  const cacheShape = ['batch', decoder.keyValueHeads, 'past', decoder.headDim];
  for (let block = 0; block < decoder.blocks.length; block++) {
    for (const part of ['key', 'value'] as const) {
      builder.input({ name: pastName(block, part), type: 'f32', shape: cacheShape });
    }
  }
}

function sharedValues(builder: GraphBuilder, decoder: Decoder, positions: number): Shared {
  const dimension = (value: string, axis: number): string =>
    builder.op('Gather', [builder.op('Shape', [value]), builder.integers([axis])]);
  const batch = dimension('attention_mask', 0);
  const total = dimension('attention_mask', 1);
  const newTokens = dimension('input_ids', 1);
  const { cosines, sines } = rotationTables(decoder.frequencies, positions);
  const tableShape = [positions, decoder.headDim / 2];
  return {
    batch,
    newTokens,
    cosines: builder.floats('rotary.cosines', tableShape, cosines),
    sines: builder.floats('rotary.sines', tableShape, sines),
    attention: attentionValues(builder, decoder, { batch, newTokens, total }),
  };
}

/** Gemm with transB reads [outputs, inputs] as checkpoints store it: no transposed copy, and a tied embedding stays one tensor. */
function linear(builder: GraphBuilder, input: string, layer: Linear): string {
  const inputs = [input, builder.weight(layer.weight, [layer.outputs, layer.inputs])];
  if (layer.bias !== undefined) inputs.push(builder.weight(layer.bias, [layer.outputs]));
  return builder.op('Gemm', inputs, { attributes: { transB: 1 } });
}

function norm(builder: GraphBuilder, decoder: Decoder, input: string, weight: string): string {
  const attributes = { axis: -1, epsilon: { float: decoder.normEpsilon }, stash_type: 1 };
  return builder.op('SimplifiedLayerNormalization', [input, builder.weight(weight, [decoder.hidden])], { attributes });
}

/** The residual sum and its norm in one node: [stream + change, norm(stream + change)]. */
function addAndNorm(
  builder: GraphBuilder,
  decoder: Decoder,
  stream: string,
  change: string,
  weight: string,
): [string, string] {
  const sum = `sum before ${weight}`;
  const inputs = [stream, change, builder.weight(weight, [decoder.hidden])];
  const normed = builder.contrib('SkipSimplifiedLayerNormalization', inputs, {
    attributes: { epsilon: { float: decoder.normEpsilon } },
    outputs: [`norm by ${weight}`, '', '', sum],
  });
  return [sum, normed];
}

/** [batch * new, width] -> [batch, new, width]. */
function byRow(builder: GraphBuilder, shared: Shared, value: string, width: number): string {
  const lengths = [shared.batch, shared.newTokens, builder.integers([width])];
  return builder.op('Reshape', [value, builder.op('Concat', lengths, { attributes: { axis: 0 } })]);
}

/** -> [batch * new, heads * head dim], not yet through the output projection. */
function attention(
  builder: GraphBuilder,
  decoder: Decoder,
  shared: Shared,
  block: Block,
  number: number,
  input: string,
): string {
  const project = (layer: Linear): string => byRow(builder, shared, linear(builder, input, layer), layer.outputs);
  const rotate = (value: string): string =>
    builder.contrib('RotaryEmbedding', [value, 'position_ids', shared.cosines, shared.sines], {
      attributes: { interleaved: 0 },
    });
  const projections = {
    query: rotate(project(block.query)),
    key: rotate(project(block.key)),
    value: project(block.value),
  };
  const mixed = attend(builder, decoder, shared.attention, number, projections);
  return builder.op('Reshape', [mixed, builder.integers([-1, block.output.inputs])]);
}

function mlp(builder: GraphBuilder, block: Block, input: string): string {
  const gate = linear(builder, input, block.gate);
  const silu = builder.op('Mul', [gate, builder.op('Sigmoid', [gate])]);
  return linear(builder, builder.op('Mul', [silu, linear(builder, input, block.up)]), block.down);
}

/** [batch * new, width] -> [batch * kept, width]: the last num_logits_to_keep positions of each row; a start of -0 keeps all. */
function keepLast(builder: GraphBuilder, shared: Shared, value: string, width: number): string {
  const start = builder.op('Neg', [builder.op('Reshape', ['num_logits_to_keep', builder.integers([1])])]);
  const rows = byRow(builder, shared, value, width);
  const kept = builder.op('Slice', [rows, start, builder.integers([TO_THE_END]), builder.integers([1])]);
  return builder.op('Reshape', [kept, builder.integers([-1, width])]);
}

function head(builder: GraphBuilder, decoder: Decoder, shared: Shared, normed: string): void {
  const shape = [shared.batch, builder.integers([-1, decoder.vocabulary])];
  const logits = linear(builder, normed, decoder.head);
  builder.op('Reshape', [logits, builder.op('Concat', shape, { attributes: { axis: 0 } })], { outputs: ['logits'] });
  builder.output({ name: 'logits', type: 'f32', shape: ['batch', 'kept', decoder.vocabulary] });
}
