/**
 * Causal attention with a cache of keys and values, fused where onnxruntime can and spelled out where it cannot.
 *
 * Batches are padded on the left. GroupQueryAttention's own lengths and rotation assume padding on the right, so both stay outside
 * of it: every row claims the full length, rotation happens before, and one additive mask made from attention_mask hides the padding
 * and what is out of a block's window. That is right on the CPU and on WebGPU alike.
 */

import type { GraphBuilder } from './builder.ts';
import type { Attention, Decoder } from './form.ts';
import { softcap } from './layers.ts';

/** Added to the score of a hidden key: far below every real score, and three of them are still finite, in a half too. */
const HIDDEN = { f32: -1e9, f16: -1e4 };
/** onnxruntime 1.30 refuses a GroupQueryAttention whose heads are no multiple of this. */
const FUSED_HEAD_MULTIPLE = 8;

/** The dimension of rows, by the name by which transformers.js knows it: it makes the empty cache of any other unknown dimension 0 long. */
export const BATCH = 'batch_size';

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

/** Values that the attention of every block reads; made when first asked for, once. */
export interface AttentionValues {
  /** Whether attention may be one node, where the block allows it. */
  mayFuse: boolean;
  /** [batch, 1, new, total]: hides padding and what lies before the window; what lies ahead only where `causal`. */
  mask(window: number | undefined, causal: boolean): string;
  /** int32 [batch] = total - 1, and int32 scalar. */
  lastKey(): string;
  total(): string;
}

/** Rotated and flat: [batch, new, heads * head dim]. */
export interface Projections {
  query: string;
  key: string;
  value: string;
}

export function attentionValues(builder: GraphBuilder, lengths: Lengths, mayFuse: boolean): AttentionValues {
  const hidden = builder.float(HIDDEN[builder.floatType]);
  const scalar = (value: string): string => builder.op('Squeeze', [value, builder.integers([0])]);
  const hide = (condition: string): string => builder.op('Mul', [builder.cast(condition, builder.floatType), hidden]);
  const once = remembered();

  const padding = (): string =>
    once('padding', () => {
      const shown = builder.cast('attention_mask', builder.floatType);
      return builder.op('Mul', [builder.op('Sub', [builder.float(1), shown]), hidden]);
    });
  /** Number of the query minus number of the key: [new, total]. */
  const distance = (): string =>
    once('distance', () => {
      const total = scalar(lengths.total);
      const first = builder.op('Sub', [total, scalar(lengths.newTokens)]);
      const queries = builder.op('Unsqueeze', [
        builder.op('Range', [first, total, builder.integers(1)]),
        builder.integers([1]),
      ]);
      return builder.op('Sub', [queries, builder.op('Range', [builder.integers(0), total, builder.integers(1)])]);
    });
  const ahead = (): string => once('ahead', () => hide(builder.op('Less', [distance(), builder.integers(0)])));
  const before = (window: number): string =>
    once(`before ${window}`, () => hide(builder.op('GreaterOrEqual', [distance(), builder.integers(window)])));

  return {
    mayFuse,
    mask: (window, causal) =>
      once(`mask ${window} ${causal}`, () => {
        const shape = builder.op('Concat', [lengths.batch, builder.integers([1]), lengths.newTokens, lengths.total], {
          attributes: { axis: 0 },
        });
        const byRow = builder.op('Unsqueeze', [padding(), builder.integers([1, 2])]);
        const added = [...(causal ? [ahead()] : []), ...(window === undefined ? [] : [before(window)])];
        return added.reduce((mask, more) => builder.op('Add', [mask, more]), builder.op('Expand', [byRow, shape]));
      }),
    lastKey: () =>
      once('last key', () =>
        builder.op('Expand', [
          builder.cast(builder.op('Sub', [lengths.total, builder.integers([1])]), 'i32'),
          lengths.batch,
        ]),
      ),
    total: () => once('total', () => builder.cast(scalar(lengths.total), 'i32')),
  };
}

/** Gives what a name was first made as. */
function remembered(): (name: string, make: () => string) => string {
  const known = new Map<string, string>();
  return (name, make) => {
    const found = known.get(name) ?? make();
    known.set(name, found);
    return found;
  };
}

/** -> [batch, new, heads * head dim]; declares the block's present keys and values as outputs of the graph. */
export function attend(
  builder: GraphBuilder,
  decoder: Decoder,
  values: AttentionValues,
  block: number,
  attention: Attention,
  projections: Projections,
): string {
  for (const part of ['key', 'value'] as const) {
    const shape = [BATCH, decoder.keyValueHeads, 'total', decoder.headDim];
    builder.output({ name: presentName(block, part), type: builder.floatType, shape });
  }
  // WebGPU's fused attention ignores a soft cap in silence.
  const fuse = values.mayFuse && attention.softcap === undefined && decoder.headDim % FUSED_HEAD_MULTIPLE === 0;
  return (fuse ? fused : spelledOut)(builder, decoder, values, block, attention, projections);
}

function fused(
  builder: GraphBuilder,
  decoder: Decoder,
  values: AttentionValues,
  block: number,
  { scale, window }: Attention,
  { query, key, value }: Projections,
): string {
  const past = [pastName(block, 'key'), pastName(block, 'value')];
  const leftOut = ['', '', '']; // cosines, sines, position ids: rotated before
  return builder.contrib(
    'GroupQueryAttention',
    [query, key, value, ...past, values.lastKey(), values.total(), ...leftOut, values.mask(window, false)],
    {
      attributes: {
        num_heads: decoder.heads,
        kv_num_heads: decoder.keyValueHeads,
        scale: { float: scale },
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
  values: AttentionValues,
  block: number,
  attention: Attention,
  { query, key, value }: Projections,
): string {
  const { heads, keyValueHeads, headDim } = decoder;
  const transpose = (input: string, perm: number[]): string =>
    builder.op('Transpose', [input], { attributes: { perm } });
  const withPast = (part: CachePart, added: string): string => {
    const byHead = transpose(builder.reshape(added, [0, -1, keyValueHeads, headDim]), [0, 2, 1, 3]);
    const all = builder.op('Concat', [pastName(block, part), byHead], {
      attributes: { axis: 2 },
      outputs: [presentName(block, part)],
    });
    return builder.op('Unsqueeze', [all, builder.integers([2])]); // [batch, key-value heads, 1, total, head dim]
  };

  const grouped = transpose(
    builder.reshape(query, [0, -1, keyValueHeads, heads / keyValueHeads, headDim]),
    [0, 2, 3, 1, 4],
  );
  const scores = builder.op('MatMul', [grouped, transpose(withPast('key', key), [0, 1, 2, 4, 3])]);
  const scaled = builder.op('Mul', [scores, builder.float(attention.scale)]);
  const capped = attention.softcap === undefined ? scaled : softcap(builder, scaled, attention.softcap);
  // [batch, 1, new, total] -> [batch, 1, 1, new, total]
  const mask = builder.op('Unsqueeze', [values.mask(attention.window, true), builder.integers([2])]);
  const weights = builder.op('Softmax', [builder.op('Add', [capped, mask])], { attributes: { axis: -1 } });
  const mixed = builder.op('MatMul', [weights, withPast('value', value)]);
  return builder.reshape(transpose(mixed, [0, 3, 1, 2, 4]), [0, -1, heads * headDim]);
}
