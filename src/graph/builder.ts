/**
 * Writes an ONNX graph node by node: each call adds one node and gives the name of its first output. It keeps names unique and
 * constants and weights single (a tied embedding is one tensor with two readers); what the nodes mean is decoder.ts's affair.
 */

import { elementCount } from '../core/tensor.ts';
import { type Attribute, type ElementType, type GraphValue, MICROSOFT, type OnnxGraph } from './onnx.ts';

export interface NodeOptions {
  attributes?: Record<string, Attribute>;
  /** Names of all outputs, where the caller needs more than one or a fixed name; '' leaves an optional output out. */
  outputs?: string[];
}

export interface GraphBuilder {
  input(value: GraphValue): string;
  output(value: GraphValue): void;
  /** A node of ONNX itself. */
  op(type: string, inputs: string[], options?: NodeOptions): string;
  /** A node of onnxruntime's own domain. */
  contrib(type: string, inputs: string[], options?: NodeOptions): string;
  /** int64 constant: a number is a scalar, an array a vector. */
  integers(value: number | number[]): string;
  /** float32 scalar. */
  float(value: number): string;
  /** float32 constant of any shape. */
  floats(name: string, shape: number[], values: Float32Array): string;
  /** A float32 weight of the checkpoint, under the checkpoint's own name. */
  weight(name: string, shape: number[]): string;
  /** What was built so far. */
  graph: OnnxGraph;
}

export function graphBuilder(): GraphBuilder {
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
  const constant = (name: string, type: ElementType, shape: number[], values: BigInt64Array | Float32Array): string => {
    if (!known.has(name)) {
      known.add(name);
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      graph.constants.push({ name, type, shape, bytes });
    }
    return name;
  };

  return {
    graph,
    input(value) {
      graph.inputs.push(value);
      return value.name;
    },
    output: (value) => void graph.outputs.push(value),
    op: (type, inputs, options) => add(type, '', inputs, options),
    contrib: (type, inputs, options) => add(type, MICROSOFT, inputs, options),
    integers(value) {
      const list = Array.isArray(value) ? value : [value];
      const name = Array.isArray(value) ? `int64[${value}]` : `int64 ${value}`;
      return constant(name, 'i64', Array.isArray(value) ? [list.length] : [], BigInt64Array.from(list, BigInt));
    },
    float: (value) => constant(`float32 ${value}`, 'f32', [], Float32Array.of(value)),
    floats: (name, shape, values) => constant(name, 'f32', shape, values),
    weight(name, shape) {
      if (!known.has(name)) {
        known.add(name);
        graph.weights.push({ name, shape, bytes: 4 * elementCount(shape) });
      }
      return name;
    },
  };
}
