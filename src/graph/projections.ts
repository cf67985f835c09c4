/** From a block's normed stream to what attention compares: projected, cut off, normed and turned queries, keys and values. */

import type { Projections } from './attention.ts';
import type { GraphBuilder } from './builder.ts';
import type { Attention, Decoder, HeadNorm, Linear, Rotation } from './form.ts';
import { linear, normBy, ones, withOffset } from './layers.ts';
import type { Quantization } from './quantize.ts';
import { rotationTables } from './rope.ts';

/** Names of a rotation's cosines and sines. */
type Tables = [cosines: string, sines: string];

export interface ProjectionContext {
  decoder: Decoder;
  /** Longest context that the tables of rotations cover. */
  positions: number;
  quantization: Quantization | undefined;
  /** Of each rotation in the graph one pair of tables; filled as they are asked for. */
  rotations: Map<Rotation, Tables>;
  /** [batch * new, width] -> [batch, new, width]. */
  byRow(value: string, width: number): string;
}

/** @param input [batch * new, hidden] */
export function project(
  builder: GraphBuilder,
  context: ProjectionContext,
  attention: Attention,
  input: string,
): Projections {
  const { heads, keyValueHeads } = context.decoder;
  const flat = flatProjections(builder, context, attention, input).map((value) =>
    clipped(builder, value, attention.clip),
  );
  const [query, key, value] = flat as [string, string, string];
  const prepared = (values: string, count: number, norm: HeadNorm | undefined): string => {
    const width = count * context.decoder.headDim;
    const normed = (input: string): string => (norm ? headNorm(builder, input, norm, count, width) : input);
    if (!attention.normAfterRotation) {
      return rotated(builder, context, attention.rotation, context.byRow(normed(values), width), count);
    }
    const turned = rotated(builder, context, attention.rotation, context.byRow(values, width), count);
    return context.byRow(normed(builder.reshape(turned, [-1, width])), width);
  };
  return {
    query: prepared(query, heads, attention.queryNorm),
    key: prepared(key, keyValueHeads, attention.keyNorm),
    value: context.byRow(value, keyValueHeads * context.decoder.headDim),
  };
}

/** [batch * new, heads * head dim] of queries, keys and values. */
function flatProjections(
  builder: GraphBuilder,
  { decoder, quantization }: ProjectionContext,
  { projection }: Attention,
  input: string,
): string[] {
  const through = (layer: Linear): string => linear(builder, input, layer, quantization);
  if (!projection.fused) return [projection.query, projection.key, projection.value].map(through);
  const { all, groups, perGroup } = projection;
  const { headDim } = decoder;
  const widths = perGroup.map((heads) => heads * headDim);
  if (groups === 1) return builder.split(through(all), widths, -1);
  const byGroup = builder.reshape(through(all), [-1, groups, all.outputs / groups]);
  return builder.split(byGroup, widths, -1).map((part, i) => builder.reshape(part, [-1, groups * widths[i]!]));
}

function clipped(builder: GraphBuilder, value: string, clip: number | undefined): string {
  return clip === undefined ? value : builder.op('Clip', [value, builder.float(-clip), builder.float(clip)]);
}

/** @param value [batch * new, heads * head dim] */
function headNorm(builder: GraphBuilder, value: string, norm: HeadNorm, heads: number, total: number): string {
  const { width, shape, weights, offset } = norm;
  const tensors = weights.map((name) => builder.weight(name, shape));
  const together = tensors.length === 1 ? tensors[0]! : builder.op('Concat', tensors, { attributes: { axis: 0 } });
  const weight = withOffset(builder, together, offset);
  const rows = builder.reshape(value, [-1, width]);
  const back = (normed: string): string => builder.reshape(normed, [-1, total]);
  if (shape.length === 1 && tensors.length === 1) return back(normBy(builder, rows, norm, weight));
  const byHead = builder.reshape(normBy(builder, rows, norm, ones(builder, width)), [-1, heads, width]);
  return back(builder.op('Mul', [byHead, builder.reshape(weight, [heads, width])]));
}

/** @param value [batch, new, heads * head dim] */
function rotated(
  builder: GraphBuilder,
  context: ProjectionContext,
  rotation: Rotation | undefined,
  value: string,
  heads: number,
): string {
  if (rotation === undefined) return value;
  const [cosines, sines] = tables(builder, context, rotation);
  const width = 2 * rotation.frequencies.length;
  const partial = width === context.decoder.headDim ? {} : { num_heads: heads, rotary_embedding_dim: width };
  return builder.contrib('RotaryEmbedding', [value, 'position_ids', cosines, sines], {
    attributes: { interleaved: rotation.interleaved ? 1 : 0, ...partial },
  });
}

function tables(builder: GraphBuilder, { positions, rotations: known }: ProjectionContext, rotation: Rotation): Tables {
  const found = known.get(rotation);
  if (found) return found;
  const { cosines, sines } = rotationTables(rotation, positions);
  const shape = [positions, rotation.frequencies.length];
  const name = known.size === 0 ? 'rotary' : `rotary ${known.size}`;
  const names: Tables = [
    builder.floats(`${name}.cosines`, shape, cosines),
    builder.floats(`${name}.sines`, shape, sines),
  ];
  known.set(rotation, names);
  return names;
}
