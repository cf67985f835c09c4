/** One call of the session: some new tokens for every row of a batch in, logits and a longer cache out. Rows are padded on the left. */

import type * as Ort from 'onnxruntime-web';
import { pastName, presentName } from '../graph/attention.ts';
import type { FloatType } from '../graph/builder.ts';
import type { Decoder } from '../graph/form.ts';
import type { ModelGraph } from '../graph/graph.ts';
import { runtimeFailure } from './failure.ts';
import type { Runtime } from './runtime.ts';

/** What is called of an onnxruntime session. */
export interface Session {
  run(feeds: Ort.InferenceSession.FeedsType): Promise<Ort.InferenceSession.ReturnType>;
  release(): Promise<void>;
}

/** What a step needs of a model. */
export interface Steppable {
  runtime: Runtime;
  graph: ModelGraph;
  session: Session;
}

/** Keys and values of all earlier tokens by input name: [rows, key-value heads, length, head dim] each. */
export type Cache = Record<string, Ort.Tensor>;

export interface StepInput {
  /** New tokens, the same number for every row, row after row. */
  ids: ArrayLike<number>;
  /** Per row, how many of its first positions are padding. */
  padding: readonly number[];
  /** Length of each row with the new tokens and the padding. */
  total: number;
  /** Positions from the end to give logits for; 0 for all new ones. */
  keep: number;
  cache: Cache;
}

export interface StepOutput {
  /** float32, [rows, kept, vocabulary] row-major. */
  logits: Float32Array;
  cache: Cache;
}

export function emptyCache({ runtime, graph }: Pick<Steppable, 'runtime' | 'graph'>, rows: number): Cache {
  const { keyValueHeads, headDim, blocks } = graph.decoder;
  const cache: Cache = {};
  for (const name of cacheNames(blocks.length, pastName)) {
    cache[name] = emptyTensor(runtime, graph.floatType, [rows, keyValueHeads, 0, headDim]);
  }
  return cache;
}

function emptyTensor({ ort }: Runtime, type: FloatType, dims: number[]): Ort.Tensor {
  return type === 'f32'
    ? new ort.Tensor('float32', new Float32Array(0), dims)
    : new ort.Tensor('float16', new Uint16Array(0), dims);
}

/** Inputs of the cache or outputs of the session, in the order of the graph. */
export function cacheNames(blocks: number, nameOf: typeof pastName): string[] {
  return Array.from({ length: blocks }, (_, block) => [nameOf(block, 'key'), nameOf(block, 'value')]).flat();
}

/** The cache that goes in is spent: its GPU buffers are released. Rejects with AppError 'runtime-failed' or 'model-too-large'. */
export async function runStep(model: Steppable, input: StepInput): Promise<StepOutput> {
  const { runtime, graph, session } = model;
  const { padding, total } = input;
  const rows = padding.length;
  const added = input.ids.length / rows;
  const int64 = (values: ArrayLike<number>, dims: number[]) =>
    new runtime.ort.Tensor('int64', int64Array(values), dims);
  const at = <T>(width: number, value: (row: number, column: number) => T): T[] =>
    Array.from({ length: rows * width }, (_, i) => value(Math.floor(i / width), i % width));

  const feeds = {
    ...input.cache,
    input_ids: int64(input.ids, [rows, added]),
    attention_mask: int64(
      at(total, (row, column) => (column < padding[row]! ? 0 : 1)),
      [rows, total],
    ),
    position_ids: int64(
      at(added, (row, column) => Math.max(0, total - added + column - padding[row]!)),
      [rows, added],
    ),
    num_logits_to_keep: int64([input.keep], []),
  };
  try {
    const outputs = await runtime.exclusive(() => session.run(feeds));
    for (const tensor of Object.values(input.cache)) tensor.dispose();
    return { logits: outputs.logits!.data as Float32Array, cache: asPast(graph.decoder, outputs) };
  } catch (error) {
    throw runtimeFailure(error, 'the model ran');
  }
}

function asPast(decoder: Decoder, outputs: Ort.InferenceSession.ReturnType): Cache {
  const present = cacheNames(decoder.blocks.length, presentName);
  const past = cacheNames(decoder.blocks.length, pastName);
  return Object.fromEntries(past.map((name, i) => [name, outputs[present[i]!]!]));
}

/** Small non-negative integers as int64, written through their low halves: 20 times faster than by way of BigInt. */
function int64Array(values: ArrayLike<number>): BigInt64Array<ArrayBuffer> {
  const wide = new BigInt64Array(values.length);
  const halves = new Int32Array(wide.buffer);
  for (let i = 0; i < values.length; i++) halves[2 * i] = values[i]!;
  return wide;
}

/** The cache with only some of its rows, for a cache in CPU memory: finished rows need no more work. */
export function keepRows({ runtime }: Steppable, cache: Cache, rows: readonly number[]): Cache {
  const kept: Cache = {};
  for (const [name, tensor] of Object.entries(cache)) {
    const [before, ...rest] = tensor.dims as [number, ...number[]];
    const values = tensor.data as Float32Array;
    const width = values.length / before;
    const out = values.slice(0, rows.length * width); // an array of its kind: a cache may be of halves
    for (const [i, row] of rows.entries()) out.set(values.subarray(row * width, (row + 1) * width), i * width);
    kept[name] = new runtime.ort.Tensor(tensor.type as 'float32', out, [rows.length, ...rest]);
  }
  return kept;
}

export function releaseCache(cache: Cache): void {
  for (const tensor of Object.values(cache)) tensor.dispose();
}
