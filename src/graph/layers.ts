/** The layers between which a decoder's stream of numbers runs, as nodes: linear, norms, the MLP, the table of embeddings. */

import type { GraphBuilder } from './builder.ts';
import type { Activation, Linear, Mlp, Norm } from './form.ts';
import { QUANTIZED_BLOCK, type Quantization } from './quantize.ts';

/**
 * Gemm reads [outputs, inputs] as checkpoints store it: no transposed copy, and a tied embedding stays one tensor.
 * @param input [tokens, inputs] @param quantization of the weight, where it is quantized: its codes are in blocks along the inputs
 */
export function linear(builder: GraphBuilder, input: string, layer: Linear, quantization?: Quantization): string {
  const { weight, bias, inputs, outputs, transposed } = layer;
  if (quantization && inputs % QUANTIZED_BLOCK === 0) {
    const { codes, scales } = quantized(builder, layer, quantization.bits);
    const product = builder.contrib('MatMulNBits', [input, codes, scales], {
      attributes: { K: inputs, N: outputs, bits: quantization.bits, block_size: QUANTIZED_BLOCK },
    });
    return bias === undefined ? product : builder.op('Add', [product, builder.weight(bias, [outputs])]);
  }
  const operands = [input, builder.weight(weight, transposed ? [inputs, outputs] : [outputs, inputs])];
  if (bias !== undefined) operands.push(builder.weight(bias, [outputs]));
  return builder.op('Gemm', operands, { attributes: { transB: transposed ? 0 : 1 } });
}

/** Codes uint8 [outputs, blocks, block * bits / 8] and scales [outputs * blocks] of a weight. */
function quantized(
  builder: GraphBuilder,
  { weight, inputs, outputs, transposed }: Pick<Linear, 'weight' | 'inputs' | 'outputs' | 'transposed'>,
  bits: 4 | 8,
): { codes: string; scales: string; blocks: number } {
  const blocks = inputs / QUANTIZED_BLOCK;
  const source = { tensor: weight, bits, transposed };
  const shape = [outputs, blocks, (QUANTIZED_BLOCK * bits) / 8];
  return {
    codes: builder.derived(`${weight}#codes${bits}`, 'u8', shape, { ...source, as: 'codes' }),
    scales: builder.derived(`${weight}#scales${bits}`, builder.floatType, [outputs * blocks], {
      ...source,
      as: 'scales',
    }),
    blocks,
  };
}

export interface Table {
  weight: string;
  rows: number;
  width: number;
  /** Kept as it is stored, and widened row by row: half the memory, which a tied head in another order would need twice. */
  stored?: 'f16' | 'bf16' | undefined;
}

/** -> [batch * new, hidden], of ids int64 [batch, new]. A quantized table is kept in eight bits and widened row by row. */
export function embed(builder: GraphBuilder, ids: string, table: Table, quantization?: Quantization): string {
  const { weight, rows, width, stored } = table;
  if (stored) {
    const kept = builder.derived(`${weight}#stored`, stored, [rows, width], { tensor: weight, as: 'stored' });
    return builder.reshape(builder.cast(builder.op('Gather', [kept, ids]), builder.floatType), [-1, width]);
  }
  if (!quantization || width % QUANTIZED_BLOCK !== 0) {
    const found = builder.op('Gather', [builder.weight(weight, [rows, width]), ids]);
    return builder.reshape(found, [-1, width]);
  }
  const layer = { weight, inputs: width, outputs: rows, transposed: false };
  const { codes, scales, blocks } = quantized(builder, layer, quantization.tableBits);
  if (quantization.gatherBlocks) {
    const found = builder.contrib(
      'GatherBlockQuantized',
      [builder.reshape(codes, [rows, width]), ids, builder.reshape(scales, [rows, blocks])],
      { attributes: { bits: 8, block_size: QUANTIZED_BLOCK, gather_axis: 0, quantize_axis: 1 } },
    );
    return builder.reshape(found, [-1, width]);
  }
  // Codes are stored around 128.
  const code = builder.reshape(builder.op('Gather', [codes, ids]), [-1, blocks, QUANTIZED_BLOCK]);
  const scale = builder.reshape(builder.op('Gather', [builder.reshape(scales, [rows, blocks, 1]), ids]), [
    -1,
    blocks,
    1,
  ]);
  const centred = builder.op('Sub', [builder.cast(code, builder.floatType), builder.float(128)]);
  return builder.reshape(builder.op('Mul', [centred, scale]), [-1, width]);
}

/** Norm over the last dimension. */
export function norm(builder: GraphBuilder, input: string, made: Norm): string {
  return normBy(builder, input, made, normWeight(builder, made));
}

/** The same with a weight that is there already. */
export function normBy(
  builder: GraphBuilder,
  input: string,
  { kind, epsilon, bias, width }: Pick<Norm, 'kind' | 'epsilon' | 'bias' | 'width'>,
  weight: string,
): string {
  const attributes = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
  if (kind === 'rms') return builder.op('SimplifiedLayerNormalization', [input, weight], { attributes });
  const added = bias === undefined ? [] : [builder.weight(bias, [width])];
  return builder.op('LayerNormalization', [input, weight, ...added], { attributes });
}

/** What stands for the weight of a norm that has none; onnxruntime wants one. */
export function ones(builder: GraphBuilder, width: number): string {
  return builder.floats(`ones[${width}]`, [width], new Float32Array(width).fill(1));
}

function normWeight(builder: GraphBuilder, { weight, width, offset }: Norm): string {
  if (weight === undefined) return ones(builder, width);
  return withOffset(builder, builder.weight(weight, [width]), offset);
}

/** The weight of a norm that is stored as a difference from one. */
export function withOffset(builder: GraphBuilder, weight: string, offset: 0 | 1): string {
  return offset === 0 ? weight : builder.op('Add', [weight, builder.float(1)]);
}

/** [stream + change, norm(stream + change)], in one node where onnxruntime has one. Without a norm both are the sum. */
export function addAndNorm(
  builder: GraphBuilder,
  stream: string,
  change: string,
  made: Norm | undefined,
): [string, string] {
  if (made?.kind === 'rms') {
    const outputs = [`norm ${builder.graph.nodes.length}`, '', '', `sum ${builder.graph.nodes.length}`];
    const normed = builder.contrib('SkipSimplifiedLayerNormalization', [stream, change, normWeight(builder, made)], {
      attributes: { epsilon: { float: made.epsilon } },
      outputs,
    });
    return [outputs[3]!, normed];
  }
  const sum = builder.op('Add', [stream, change]);
  return [sum, made ? norm(builder, sum, made) : sum];
}

function activate(builder: GraphBuilder, input: string, activation: Activation): string {
  switch (activation) {
    case 'silu':
      return builder.op('Mul', [input, builder.op('Sigmoid', [input])]);
    case 'gelu':
      return builder.contrib('Gelu', [input]);
    case 'gelu-tanh':
      return builder.contrib('FastGelu', [input]);
    case 'relu':
      return builder.op('Relu', [input]);
    case 'relu2': {
      const positive = builder.op('Relu', [input]);
      return builder.op('Mul', [positive, positive]);
    }
  }
}

/** [tokens, hidden] -> the same. */
export function mlp(builder: GraphBuilder, made: Mlp, input: string, quantization?: Quantization): string {
  const through = (layer: Linear): string => linear(builder, input, layer, quantization);
  const down = (wide: string): string => linear(builder, wide, made.down, quantization);
  const gated = (gate: string, up: string): string =>
    down(builder.op('Mul', [activate(builder, gate, made.activation), up]));
  if (made.gateAndUp) {
    const half = made.up.outputs / 2;
    const [gate, up] = builder.split(through(made.up), [half, half], -1);
    return gated(gate!, up!);
  }
  if (made.gate) return gated(through(made.gate), through(made.up));
  return down(activate(builder, through(made.up), made.activation));
}

/** cap * tanh(x / cap). */
export function softcap(builder: GraphBuilder, input: string, cap: number): string {
  const small = builder.op('Tanh', [builder.op('Div', [input, builder.float(cap)])]);
  return builder.op('Mul', [small, builder.float(cap)]);
}

/** The same value for a factor of one. */
export function scaled(builder: GraphBuilder, input: string, factor: number): string {
  return factor === 1 ? input : builder.op('Mul', [input, builder.float(factor)]);
}
