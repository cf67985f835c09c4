/**
 * Causal attention with a cache of keys and values, fused where onnxruntime can and spelled out where it cannot.
 *
 * Batches are padded on the left. GroupQueryAttention's own lengths and rotation assume padding on the right, so both stay outside
 * of it: every row claims the full length, rotation happens before, and one additive mask made from attention_mask hides the padding.
 * That is right on the CPU and on WebGPU alike.
 */

import type { GraphBuilder } from './builder.ts';
import type { Decoder } from './families.ts';

/** Added to the score of a hidden key: far below every real score, and still finite in a row that is all padding. */
const HIDDEN = -1e9;
/** onnx.TensorProto.DataType, as Cast wants it. */
const FLOAT = 1;
const INT32 = 6;
/** onnxruntime 1.30 refuses a GroupQueryAttention whose heads are no multiple of this. */
const FUSED_HEAD_MULTIPLE = 8;

export type CachePart = 'key' | 'value';

/** Keys and values of earlier tokens, per block: [batch, key-value heads, earlier tokens, head dim]. */
export function pastName(block: number, part: CachePart): string {
  return `past_key_values.${block}.${part}`;
}

/** The same with the new tokens appended. */
export function presentName(block: number, part: CachePart): string {
  return `present.${block}.${part}`;
}

/** int64 [1] each. */
export interface Lengths {
  batch: string;
  newTokens: string;
  total: string;
}

/** Values that the attention of every block reads; made once. */
export type AttentionValues =
  /** `mask` [batch, 1, new, total], `lastKey` int32 [batch] = total - 1, `total` int32 scalar. */
  | { fused: true; mask: string; lastKey: string; total: string }
  /** `mask` [batch, 1, 1, new, total], causal too. */
  | { fused: false; mask: string };

/** Rotated and flat: [batch, new, heads * head dim]. */
export interface Projections {
  query: string;
  key: string;
  value: string;
}

export function attentionValues(builder: GraphBuilder, decoder: Decoder, lengths: Lengths): AttentionValues {
  const toFloat = (value: string): string => builder.op('Cast', [value], { attributes: { to: FLOAT } });
  const toInt32 = (value: string): string => builder.op('Cast', [value], { attributes: { to: INT32 } });
  const scalar = (value: string): string => builder.op('Squeeze', [value, builder.integers([0])]);
  const padding = builder.op('Mul', [
    builder.op('Sub', [builder.float(1), toFloat('attention_mask')]),
    builder.float(HIDDEN),
  ]);

  if (decoder.headDim % FUSED_HEAD_MULTIPLE === 0) {
    const shape = builder.op('Concat', [lengths.batch, builder.integers([1]), lengths.newTokens, lengths.total], {
      attributes: { axis: 0 },
    });
    return {
      fused: true,
      mask: builder.op('Expand', [builder.op('Unsqueeze', [padding, builder.integers([1, 2])]), shape]),
      lastKey: builder.op('Expand', [
        toInt32(builder.op('Sub', [lengths.total, builder.integers([1])])),
        lengths.batch,
      ]),
      total: toInt32(scalar(lengths.total)),
    };
  }
  const total = scalar(lengths.total);
  const first = builder.op('Sub', [total, scalar(lengths.newTokens)]);
  const queries = builder.op('Unsqueeze', [
    builder.op('Range', [first, total, builder.integers(1)]),
    builder.integers([1]),
  ]);
  const keys = builder.op('Range', [builder.integers(0), total, builder.integers(1)]);
  const future = builder.op('Mul', [toFloat(builder.op('Less', [queries, keys])), builder.float(HIDDEN)]);
  return {
    fused: false,
    mask: builder.op('Add', [builder.op('Unsqueeze', [padding, builder.integers([1, 2, 3])]), future]),
  };
}

/** -> [batch, new, heads * head dim]; declares the block's present keys and values as outputs of the graph. */
export function attend(
  builder: GraphBuilder,
  decoder: Decoder,
  values: AttentionValues,
  block: number,
  projections: Projections,
): string {
  for (const part of ['key', 'value'] as const) {
    const shape = ['batch', decoder.keyValueHeads, 'total', decoder.headDim];
    builder.output({ name: presentName(block, part), type: 'f32', shape });
  }
  return values.fused
    ? fused(builder, decoder, values, block, projections)
    : spelledOut(builder, decoder, values.mask, block, projections);
}

function scoreScale(decoder: Decoder): number {
  return 1 / Math.sqrt(decoder.headDim);
}

function fused(
  builder: GraphBuilder,
  decoder: Decoder,
  values: AttentionValues & { fused: true },
  block: number,
  { query, key, value }: Projections,
): string {
  const past = [pastName(block, 'key'), pastName(block, 'value')];
  const leftOut = ['', '', '']; // cosines, sines, position ids: rotated before
  return builder.contrib(
    'GroupQueryAttention',
    [query, key, value, ...past, values.lastKey, values.total, ...leftOut, values.mask],
    {
      attributes: {
        num_heads: decoder.heads,
        kv_num_heads: decoder.keyValueHeads,
        scale: { float: scoreScale(decoder) },
        do_rotary: 0,
      },
      outputs: [`attention ${block}`, presentName(block, 'key'), presentName(block, 'value')],
    },
  );
}

/** softmax(Q K^T * scale + mask) V with the query heads of a group on an axis of their own, so that keys and values broadcast. */
function spelledOut(
  builder: GraphBuilder,
  decoder: Decoder,
  mask: string,
  block: number,
  { query, key, value }: Projections,
): string {
  const { heads, keyValueHeads, headDim } = decoder;
  const reshape = (input: string, shape: number[]): string => builder.op('Reshape', [input, builder.integers(shape)]);
  const transpose = (input: string, perm: number[]): string =>
    builder.op('Transpose', [input], { attributes: { perm } });
  const withPast = (part: CachePart, added: string): string => {
    const byHead = transpose(reshape(added, [0, -1, keyValueHeads, headDim]), [0, 2, 1, 3]);
    const all = builder.op('Concat', [pastName(block, part), byHead], {
      attributes: { axis: 2 },
      outputs: [presentName(block, part)],
    });
    return builder.op('Unsqueeze', [all, builder.integers([2])]); // [batch, key-value heads, 1, total, head dim]
  };

  const grouped = transpose(reshape(query, [0, -1, keyValueHeads, heads / keyValueHeads, headDim]), [0, 2, 3, 1, 4]);
  const scores = builder.op('MatMul', [grouped, transpose(withPast('key', key), [0, 1, 2, 4, 3])]);
  const masked = builder.op('Add', [builder.op('Mul', [scores, builder.float(scoreScale(decoder))]), mask]);
  const weights = builder.op('Softmax', [masked], { attributes: { axis: -1 } });
  const mixed = builder.op('MatMul', [weights, withPast('value', value)]);
  return reshape(transpose(mixed, [0, 3, 1, 2, 4]), [0, -1, heads * headDim]);
}
