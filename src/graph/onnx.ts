/**
 * An ONNX model as plain data, and its bytes. Field numbers are those of onnx.proto3
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). Weights stay outside. For a session an external tensor names a file of its
 * own, so that a checkpoint's bytes can be handed over tensor by tensor; for a folder that is written, files and offsets can be given.
 */

import { type Message, message } from './protobuf.ts';

/** onnx.TensorProto.DataType, of the types used here. */
const DATA_TYPE = { f32: 1, u8: 2, i32: 6, i64: 7, f16: 10, bf16: 16 } as const;
/** onnx.AttributeProto.AttributeType. */
const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const;
const EXTERNAL = 1;

/** Opset 21 and IR version 10: what onnxruntime 1.18 and later read. */
const IR_VERSION = 10;
const OPSET = 21;
/** The domain of onnxruntime's own operators (GroupQueryAttention, RotaryEmbedding, ...). */
export const MICROSOFT = 'com.microsoft';

export type ElementType = keyof typeof DATA_TYPE;

export const ELEMENT_BYTES: Record<ElementType, number> = { f32: 4, u8: 1, i32: 4, i64: 8, f16: 2, bf16: 2 };

/** An integer, a list of integers, a float (`{ float: 1 }`, since 1 and 1.0 are one thing in JavaScript), or the number of an element type. */
export type Attribute = number | number[] | { float: number } | { type: ElementType };

export interface Node {
  /** Operator, e.g. "Gemm". */
  type: string;
  /** '' for ONNX itself, or MICROSOFT. */
  domain: string;
  name: string;
  /** Names of values; '' for an optional input that is left out. */
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

/** An input or output of the graph; a text dimension is known only at run time. */
export interface GraphValue {
  name: string;
  type: ElementType;
  shape: (number | string)[];
}

/** A constant whose bytes lie in the graph itself. */
export interface Constant {
  name: string;
  type: ElementType;
  shape: number[];
  bytes: Uint8Array;
}

/** What of a checkpoint's tensor a weight holds: its numbers, its very bytes, or one part of their quantization (quantize.ts). */
export type WeightSource = PlainSource | BlockSource;

export interface PlainSource {
  tensor: string;
  as: 'values' | 'stored';
}

export interface BlockSource {
  tensor: string;
  as: 'codes' | 'scales';
  bits: 4 | 8;
  transposed: boolean;
}

/** A weight whose numbers are no part of the graph: it comes beside it, under `name`. */
export interface ExternalTensor {
  name: string;
  type: ElementType;
  shape: number[];
  /** Size in `type`. */
  bytes: number;
  source: WeightSource;
}

export interface OnnxGraph {
  nodes: Node[];
  inputs: GraphValue[];
  outputs: GraphValue[];
  constants: Constant[];
  weights: ExternalTensor[];
}

function encodeAttribute(name: string, value: Attribute): Message {
  const attribute = message().text(1, name);
  if (Array.isArray(value)) {
    for (const item of value) attribute.int(8, item);
    return attribute.int(20, ATTRIBUTE_TYPE.ints);
  }
  if (typeof value === 'object' && 'type' in value) return encodeAttribute(name, DATA_TYPE[value.type]);
  if (typeof value === 'object') return attribute.float(2, value.float).int(20, ATTRIBUTE_TYPE.float);
  return attribute.int(3, value).int(20, ATTRIBUTE_TYPE.int);
}

function encodeNode(node: Node): Message {
  const encoded = message();
  for (const input of node.inputs) encoded.text(1, input);
  for (const output of node.outputs) encoded.text(2, output);
  encoded.text(3, node.name).text(4, node.type);
  for (const [name, value] of Object.entries(node.attributes)) encoded.message(5, encodeAttribute(name, value));
  return node.domain === '' ? encoded : encoded.text(7, node.domain);
}

function encodeValue(value: GraphValue): Message {
  const shape = message();
  for (const dimension of value.shape) {
    shape.message(1, typeof dimension === 'number' ? message().int(1, dimension) : message().text(2, dimension));
  }
  const tensorType = message().int(1, DATA_TYPE[value.type]).message(2, shape);
  return message().text(1, value.name).message(2, message().message(1, tensorType));
}

function encodeTensorHead(name: string, type: ElementType, shape: readonly number[]): Message {
  const tensor = message();
  for (const dimension of shape) tensor.int(1, dimension);
  return tensor.int(2, DATA_TYPE[type]).text(8, name);
}

/** Where the bytes of a weight lie: in the file `location` beside the model. */
export interface WeightPlace {
  location: string;
  offset: number;
  length: number;
}

/** Gives every weight its place, by name. */
export type WeightLayout = (weights: readonly ExternalTensor[]) => ReadonlyMap<string, WeightPlace>;

/**
 * How weights come: each as the external file of its name, read once when a session is made; as an input of every run, so that they may
 * change between two; or where a layout puts them.
 */
export type WeightsFrom = 'files' | 'inputs' | WeightLayout;

const fileOfItsOwn = ({ name, bytes }: ExternalTensor): WeightPlace => ({ location: name, offset: 0, length: bytes });

function encodeExternal(weight: ExternalTensor, { location, offset, length }: WeightPlace): Message {
  const entry = (key: string, value: string): Message => message().text(1, key).text(2, value);
  return encodeTensorHead(weight.name, weight.type, weight.shape)
    .message(13, entry('location', location))
    .message(13, entry('offset', String(offset)))
    .message(13, entry('length', String(length)))
    .int(14, EXTERNAL);
}

/** The bytes of onnx.ModelProto. */
export function encodeModel(graph: OnnxGraph, weights: WeightsFrom): Uint8Array {
  const body = message();
  for (const node of graph.nodes) body.message(1, encodeNode(node));
  body.text(2, 'decoder');
  for (const constant of graph.constants) {
    body.message(5, encodeTensorHead(constant.name, constant.type, constant.shape).bytes(9, constant.bytes));
  }
  for (const input of graph.inputs) body.message(11, encodeValue(input));
  const places = typeof weights === 'function' ? weights(graph.weights) : undefined;
  for (const weight of graph.weights) {
    if (weights === 'inputs') body.message(11, encodeValue(weight));
    else body.message(5, encodeExternal(weight, places?.get(weight.name) ?? fileOfItsOwn(weight)));
  }
  for (const output of graph.outputs) body.message(12, encodeValue(output));
  return message()
    .int(1, IR_VERSION)
    .text(2, 'resta-web')
    .message(7, body)
    .message(8, message().text(1, '').int(2, OPSET))
    .message(8, message().text(1, MICROSOFT).int(2, 1))
    .encode();
}
