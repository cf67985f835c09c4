/**
 * The weights of a model, read once and made into what the graph wants of them. A small model is read before its session is made,
 * neighbours together: its round trips, one per tensor, would cost more than all the rest of loading it. Of a large one onnxruntime is
 * given files that are read when it asks for their bytes, so that a weight is in memory once and not twice.
 */

import { decodeHalves, isFloatDtype } from '../core/dtype.ts';
import type { OnProgress } from '../core/progress.ts';
import type { TensorRef } from '../core/tensor.ts';
import type { Folder } from '../files/folder.ts';
import type { ByteSource } from '../files/source.ts';
import { openWeightFile } from '../files/weights.ts';
import type { ExternalTensor } from '../graph/onnx.ts';
import { rowPieces, weightBytes, weightsByTensor } from '../graph/weights.ts';
import { runtimeFailure } from './failure.ts';
import { OnDemand } from './on-demand.ts';

/** A file that onnxruntime finds beside the graph. */
export interface ExternalFile {
  path: string;
  data: Uint8Array;
}

export interface Initializers {
  files: ExternalFile[];
  /** What went wrong while onnxruntime asked for bytes: it tells that something did, not what. */
  failure(): unknown;
}

/** A tensor and what the graph makes of it. */
interface Wanted {
  tensor: TensorRef;
  weights: ExternalTensor[];
}

/** Most bytes of neighbours in one read: 4 MiB reads reach full speed, and no more than this is held besides the result. */
const RUN_BYTES = 2 ** 22;
/** Stored bytes up to which a model is read at once; what it is in memory twice then is no more than a browser's own noise. */
const SMALL_MODEL = 2 ** 26;

/**
 * @param weights of a graph @param tensors of the checkpoint, floats all @param small stored bytes up to which all is read at once
 * Rejects as reading does, and with AppError 'model-too-large'.
 */
export async function openInitializers(
  folder: Folder,
  weights: readonly ExternalTensor[],
  tensors: ReadonlyMap<string, TensorRef>,
  onProgress: OnProgress,
  small = SMALL_MODEL,
): Promise<Initializers> {
  const wanted = wantedTensors(weights, tensors);
  const total = wanted.reduce((sum, { tensor }) => sum + tensor.end - tensor.start, 0);
  let done = 0;
  const told = ({ source, start, end }: TensorRef): void => {
    done += end - start;
    onProgress({ label: source, done, total, unit: 'bytes' });
  };
  const sources = await openAll(folder, wanted);
  const waits = [...sources.values()].every((source) => source.sliceNow !== undefined);
  if (total > small && waits) return filesOnDemand(wanted, sources, told);
  return { files: await readAll(wanted, sources, told), failure: () => undefined };
}

function wantedTensors(weights: readonly ExternalTensor[], tensors: ReadonlyMap<string, TensorRef>): Wanted[] {
  return weightsByTensor(weights).map((made) => ({ tensor: tensors.get(made[0]!.source.tensor)!, weights: made }));
}

async function openAll(folder: Folder, wanted: readonly Wanted[]): Promise<Map<string, ByteSource>> {
  const paths = [...new Set(wanted.map(({ tensor }) => tensor.source))];
  return new Map(await Promise.all(paths.map(async (path) => [path, await openWeightFile(folder, path)] as const)));
}

function filesOnDemand(
  wanted: readonly Wanted[],
  sources: ReadonlyMap<string, ByteSource>,
  told: (tensor: TensorRef) => void,
): Initializers {
  const failed: { reason?: unknown } = {};
  const room = reusedRoom();
  const files = wanted.flatMap(({ tensor, weights }) => {
    const source = sources.get(tensor.source)!;
    /** What is made of a tensor at once and asked for one after the other. */
    const left = new Map<string, Uint8Array>();
    const make = (): void => {
      // The bytes of a single weight are copied before the next is asked for.
      const made = weights.map(({ bytes }) => (weights.length === 1 ? room(bytes) : new Uint8Array(bytes)));
      fill(made, source, { tensor, weights });
      weights.forEach(({ name }, i) => void left.set(name, made[i]!));
      told(tensor);
    };
    return weights.map(({ name, bytes }): ExternalFile => {
      const read = (): Uint8Array => {
        try {
          if (!left.has(name)) make();
          const found = left.get(name)!;
          left.delete(name);
          return found;
        } catch (error) {
          failed.reason ??= error;
          throw error;
        }
      };
      return { path: name, data: new OnDemand(bytes, read) };
    });
  });
  return { files, failure: () => failed.reason };
}

/** Reads a tensor in pieces, so that beside what is made of it there is no second one of its size. */
function fill(made: readonly Uint8Array[], source: ByteSource, { tensor, weights }: Wanted): void {
  const filled = made.map(() => 0);
  const stored = { shape: tensor.shape, bytes: tensor.end - tensor.start };
  for (const { start, end, shape } of rowPieces(stored, weights, RUN_BYTES)) {
    const bytes = source.sliceNow!(tensor.start + start, tensor.start + end);
    if (widened(tensor.dtype, weights, bytes, made[0]!, filled[0]!)) {
      filled[0]! += 2 * bytes.byteLength;
      continue;
    }
    makeWeights({ ...tensor, shape }, bytes, weights).forEach((part, i) => {
      made[i]!.set(part, filled[i]);
      filled[i]! += part.byteLength;
    });
  }
}

/** Most tensors of most models: halves that are wanted as float32 go straight to where they belong, without a copy on the way. */
function widened(
  dtype: TensorRef['dtype'],
  [weight, ...others]: readonly ExternalTensor[],
  bytes: Uint8Array,
  into: Uint8Array,
  at: number,
): boolean {
  if (dtype !== 'BF16' && dtype !== 'F16') return false;
  if (others.length > 0 || weight!.source.as !== 'values' || weight!.type !== 'f32') return false;
  decodeHalves(bytes, dtype, new Float32Array(into.buffer, into.byteOffset + at, bytes.byteLength / 2));
  return true;
}

/** Its memory is free now and not when it is collected, where the platform can do that. */
function detached(buffer: ArrayBuffer & { transfer?(bytes: number): ArrayBuffer }): ArrayBuffer {
  return buffer.transfer?.(0) ?? new ArrayBuffer(0);
}

/** Tensors beyond this are few, and their room is given back at once instead of being kept for the next. */
const KEPT_ROOM = 2 ** 24;

/** Room for bytes, the same again and again: a new one per tensor would be garbage as large as the model. What was there before is lost. */
function reusedRoom(): (bytes: number) => Uint8Array {
  let kept = new ArrayBuffer(0);
  let large = new ArrayBuffer(0);
  return (bytes) => {
    large = detached(large);
    if (bytes > KEPT_ROOM) {
      large = new ArrayBuffer(bytes);
      return new Uint8Array(large);
    }
    if (kept.byteLength < bytes) kept = new ArrayBuffer(bytes);
    return new Uint8Array(kept, 0, bytes);
  };
}

/** Tensors of one file whose bytes follow each other. */
type Run = [Wanted, ...Wanted[]];

async function readAll(
  wanted: readonly Wanted[],
  sources: ReadonlyMap<string, ByteSource>,
  told: (tensor: TensorRef) => void,
): Promise<ExternalFile[]> {
  const files: ExternalFile[] = [];
  for (const run of runsOf(wanted)) {
    files.push(...(await readRun(sources.get(run[0].tensor.source)!, run)));
    for (const { tensor } of run) told(tensor);
  }
  return files;
}

function runsOf(wanted: readonly Wanted[]): Run[] {
  const inFileOrder = [...wanted].sort(({ tensor: a }, { tensor: b }) =>
    a.source === b.source ? a.start - b.start : a.source < b.source ? -1 : 1,
  );
  const runs: Run[] = [];
  for (const next of inFileOrder) {
    const run = runs.at(-1);
    const before = run?.at(-1)?.tensor;
    const { source, start, end } = next.tensor;
    const follows = before !== undefined && before.source === source && before.end === start;
    if (run !== undefined && follows && end - run[0].tensor.start <= RUN_BYTES) run.push(next);
    else runs.push([next]);
  }
  return runs;
}

async function readRun(source: ByteSource, run: Run): Promise<ExternalFile[]> {
  const { start } = run[0].tensor;
  try {
    const bytes = await source.slice(start, run.at(-1)!.tensor.end);
    return run.flatMap(({ tensor, weights }) => {
      const made = makeWeights(tensor, bytes.subarray(tensor.start - start, tensor.end - start), weights);
      return weights.map(({ name }, i) => ({ path: name, data: made[i]! }));
    });
  } catch (error) {
    // How a browser says that an array is too large for what memory is left.
    throw error instanceof RangeError ? runtimeFailure(error, 'the weights were read') : error;
  }
}

function makeWeights(
  { name, dtype, shape }: TensorRef,
  bytes: Uint8Array,
  weights: readonly ExternalTensor[],
): Uint8Array[] {
  if (!isFloatDtype(dtype)) throw new TypeError(`${name} is ${dtype}.`);
  return weightBytes({ bytes, dtype, shape }, weights);
}
