/**
 * Writes an ONNX graph node by node: each call adds one node and gives the name of its first output. It keeps names unique and
 * constants and weights single (a tied embedding is one tensor with two readers); what the nodes mean is decoder.ts's affair.
 */

import { floatToF16 } from '../core/dtype.ts';
import { elementCount } from '../core/tensor.ts';
import {
  type Attribute,
  ELEMENT_BYTES,
  type ElementType,
  type GraphValue,
  MICROSOFT,
  type OnnxGraph,
  type WeightSource,
} from './onnx.ts';

export interface NodeOptions {
  attributes?: Record<string, Attribute>;
  /** Names of all outputs, where the caller needs more than one or a fixed name; '' leaves an optional output out. */
  outputs?: string[];
}

/** What the graph computes in. */
export type FloatType = 'f32' | 'f16';

export interface GraphBuilder {
  /** Of constants, weights and everything between. */
  readonly floatType: FloatType;
  input(value: GraphValue): string;
  output(value: GraphValue): void;
  /** A node of ONNX itself. */
  op(type: string, inputs: string[], options?: NodeOptions): string;
  /** A node of onnxruntime's own domain. */
  contrib(type: string, inputs: string[], options?: NodeOptions): string;
  /** A node with several outputs, whose names it gives. */
  split(input: string, sizes: readonly number[], axis: number): string[];
  reshape(input: string, shape: number[]): string;
  cast(input: string, type: ElementType): string;
  /** int64 constant: a number is a scalar, an array a vector. */
  integers(value: number | number[]): string;
  /** Scalar of the graph's float type. */
  float(value: number): string;
  /** Constant of the graph's float type, of any shape. */
  floats(name: string, shape: number[], values: Float32Array): string;
  /** A weight of the checkpoint, under the checkpoint's own name, in the graph's float type. */
  weight(name: string, shape: readonly number[]): string;
  /** Something made of a weight of the checkpoint, under a name of its own. */
  derived(name: string, type: ElementType, shape: number[], source: WeightSource): string;
  /** What was built so far. */
  graph: OnnxGraph;
}

export function graphBuilder(floatType: FloatType = 'f32'): GraphBuilder {
  const graph: OnnxGraph = { nodes: [], inputs: [], outputs: [], constants: [], weights: [] };
  const known = new Set<string>();
  const uses = new Map<string, number>();

  const add = (type: string, domain: string, inputs: string[], options: NodeOptions = {}): string => {
    const use = uses.get(type) ?? 0;
    uses.set(type, use + 1);
    const name = `${type}_${use}`;
    const outputs = options.outputs ?? [`${name}:0`];
    graph.nodes.push({ type, domain, name, inputs, outputs, attributes: options.attributes ?? {} });
    return outputs[0]!;
  };
  const constant = (name: string, type: ElementType, shape: number[], values: ArrayBufferView): string => {
    if (!known.has(name)) {
      known.add(name);
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      graph.constants.push({ name, type, shape, bytes });
    }
    return name;
  };
  const floatValues = (values: Float32Array): ArrayBufferView =>
    floatType === 'f32' ? values : Uint16Array.from(values, floatToF16);
  const external = (name: string, type: ElementType, shape: readonly number[], source: WeightSource): string => {
    if (!known.has(name)) {
      known.add(name);
      graph.weights.push({ name, type, shape: [...shape], bytes: ELEMENT_BYTES[type] * elementCount(shape), source });
    }
    return name;
  };

  const self: GraphBuilder = {
    floatType,
    graph,
    input(value) {
      graph.inputs.push(value);
      return value.name;
    },
    output: (value) => void graph.outputs.push(value),
    op: (type, inputs, options) => add(type, '', inputs, options),
    contrib: (type, inputs, options) => add(type, MICROSOFT, inputs, options),
    split(input, sizes, axis) {
      const outputs = sizes.map((_, part) => `Split_${uses.get('Split') ?? 0}:${part}`);
      add('Split', '', [input, self.integers([...sizes])], { attributes: { axis }, outputs });
      return outputs;
    },
    reshape: (input, shape) => add('Reshape', '', [input, self.integers(shape)]),
    cast: (input, type) => add('Cast', '', [input], { attributes: { to: { type } } }),
    integers(value) {
      const list = Array.isArray(value) ? value : [value];
      const name = Array.isArray(value) ? `int64[${value}]` : `int64 ${value}`;
      return constant(name, 'i64', Array.isArray(value) ? [list.length] : [], BigInt64Array.from(list, BigInt));
    },
    float: (value) => constant(`${floatType} ${value}`, floatType, [], floatValues(Float32Array.of(value))),
    floats: (name, shape, values) => constant(name, floatType, shape, floatValues(values)),
    weight: (name, shape) => external(name, floatType, shape, { tensor: name, as: 'values' }),
    derived: external,
  };
  return self;
}
