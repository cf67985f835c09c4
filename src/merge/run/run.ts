/**
 * The loop: per step, read a run of elements of every input, apply the kernel, write the result where the plan says. While one piece is computed
 * the next is read, the last is written and the one before it hashed. Memory is bounded by the chunk, not by the model: two chunks of every
 * input (one ahead; more where kernels like more calls at once) and three of output. Knows nothing of methods; the plan has the ops.
 */

import { dtypeBytes } from '../../core/dtype.ts';
import { cancelled } from '../../core/errors.ts';
import { type PauseSignal, untilResumed } from '../../core/pause.ts';
import type { OnProgress } from '../../core/progress.ts';
import type { FolderDescription } from '../../files/folder.ts';
import { type Hasher, plainHasher } from '../../files/hash/hasher.ts';
import { type OutputDescription, openOutput } from '../../files/output/writer.ts';
import { recycle } from '../../files/stream.ts';
import type { Backend, Counts, Elements, Kernels } from '../../kernels/kernels.ts';
import { type InputReader, openInputs } from '../inputs/reader.ts';
import type { MergePlan, MergeStep, PlannedShard } from '../plan/plan.ts';
import type { MergeInputs } from '../recipe/request.ts';
import { countNonFiniteInputs } from './non-finite.ts';
import { openSink, type Sink } from './sink.ts';

/** Of elements, as kernels count them, and how many of the inputs' were NaN or infinite already. */
export interface MergeCounts extends Counts {
  nonFiniteInputs: number;
}

export interface ShardResult extends MergeCounts {
  shard: number;
  file: string;
  sha256: string;
  bytes: number;
  bytesRead: number;
  seconds: number;
  backend: Backend;
  /** Only when the output is in memory. */
  blob?: Blob;
}

export interface MergeResult extends MergeCounts {
  seconds: number;
  backend: Backend;
  bytesRead: number;
  bytesWritten: number;
  shards: { file: string; sha256: string; bytes: number }[];
  /** Only when the output is in memory. */
  folder?: FolderDescription;
}

/** Reads of 1 to 16 MiB are alike fast (bench io), writes of 4 MiB faster than smaller ones. */
const CHUNK_BYTES = 4 << 20;
/** Kernels work on blocks of 16 elements (the mask's counter blocks); chunks end on their borders. */
const BLOCK_ELEMENTS = 16;

/**
 * Writes one output file. Copied tensors count as unchanged and are not searched for non-finite values.
 * On failure or cancel the file is taken away again; files of other shards are `discardMerge`'s business.
 * @param options.chunkBytes of one input read at a time; the bytes written do not depend on it
 * @param options.hasher shared by the shards that are written at the same time; by default the plain one
 * @throws AppError for what reading and writing say, and 'file-changed' when an input is not the one that was planned; AbortError on cancel
 */
export async function runShard(
  plan: MergePlan,
  inputs: MergeInputs,
  shard: number,
  output: OutputDescription,
  kernels: Kernels,
  options: { chunkBytes?: number; hasher?: Hasher },
  onProgress: OnProgress,
  signal: AbortSignal,
  pause?: PauseSignal,
): Promise<ShardResult> {
  const begun = performance.now();
  const planned = plan.shards[shard];
  if (!planned) throw new RangeError(`shard ${shard} of ${plan.shards.length}`);
  throwIfCancelled(signal);
  const reader = openInputs(plan, inputs, kernels);
  const pieces = cutSteps(planned, options.chunkBytes ?? CHUNK_BYTES);
  const capacity = pieces.reduce(
    (most, piece) => Math.max(most, outputBytes(piece)),
    options.chunkBytes ?? CHUNK_BYTES,
  );
  const folder = await openOutput(output, plan.id);
  const sink = openSink(await folder.create(planned.file), capacity, options.hasher ?? plainHasher);
  try {
    await sink.put(planned.header);
    const report = throttled(onProgress, plan, shard);
    const gate = () => untilResumed(pause, signal);
    const counts = await runPieces(pieces, reader, kernels, sink, report, gate);
    report(0, 'closing');
    const { bytes, sha256, blob } = await sink.close();
    const backend = kernels.backend;
    const seconds = (performance.now() - begun) / 1000;
    return {
      shard,
      file: planned.file,
      sha256,
      bytes,
      bytesRead: reader.bytesRead(),
      ...counts,
      seconds,
      backend,
      ...(blob ? { blob } : {}),
    };
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** Elements [first, first + count) of a step. */
interface Piece {
  step: MergeStep;
  first: number;
  count: number;
}

function cutSteps(shard: PlannedShard, chunkBytes: number): Piece[] {
  return shard.steps.flatMap((step) => {
    const inputs = step.kind === 'copy' ? [step.input] : step.inputs;
    const widest = Math.max(elementBytes(step), ...inputs.map((input) => dtypeBytes(input.dtype)));
    const size = Math.max(1, Math.floor(chunkBytes / widest / BLOCK_ELEMENTS)) * BLOCK_ELEMENTS;
    const pieces: Piece[] = [];
    for (let first = 0; first < step.elements; first += size)
      pieces.push({ step, first, count: Math.min(size, step.elements - first) });
    return pieces;
  });
}

function elementBytes(step: MergeStep): number {
  return dtypeBytes(step.kind === 'copy' ? step.input.dtype : step.dtype);
}

function outputBytes({ step, count }: Piece): number {
  return count * elementBytes(step);
}

async function runPieces(
  pieces: readonly Piece[],
  reader: InputReader,
  kernels: Kernels,
  sink: Sink,
  report: Report,
  gate: () => Promise<void>,
): Promise<MergeCounts> {
  const counts: MergeCounts = { changed: 0, unchanged: 0, nonFinite: 0, nonFiniteInputs: 0 };
  const reads: Promise<PieceInputs>[] = [];
  let asked = 0;
  const readUpTo = (end: number) => {
    for (const piece of pieces.slice(asked, end)) {
      const read = readPiece(piece, reader);
      read.catch(() => {}); // told when its turn comes, or not at all after a failure
      reads.push(read);
    }
    asked = Math.max(asked, Math.min(end, pieces.length));
  };
  readUpTo(1);
  const working: Promise<void>[] = [];
  for (const [i, piece] of pieces.entries()) {
    await gate();
    const inputs = await reads.shift()!;
    readUpTo(i + 1 + kernels.parallel);
    const room = await sink.reserve(outputBytes(piece));
    const work = applyPiece(piece, inputs, kernels, room).then((counted) => {
      add(counts, counted);
      for (const one of [inputs].flat()) recycle(one instanceof Uint8Array ? one : one.bytes);
      report(outputBytes(piece), 'merging', piece.step.tensor);
    });
    sink.filledBy(work);
    working.push(work);
    if (working.length >= kernels.parallel) await working.shift();
  }
  await Promise.all(working);
  await gate();
  return counts;
}

/** The elements of every input of a combine step, or the one run of bytes of a copy. */
type PieceInputs = Elements[] | Uint8Array;

function readPiece({ step, first, count }: Piece, reader: InputReader): Promise<PieceInputs> {
  if (step.kind === 'combine')
    return Promise.all(step.inputs.map((input) => reader.elements(input, step.from + first, count)));
  const size = elementBytes(step);
  return reader.bytes(step.input, first * size, (first + count) * size);
}

async function applyPiece(
  { step, first, count }: Piece,
  inputs: PieceInputs,
  kernels: Kernels,
  room: Uint8Array,
): Promise<MergeCounts> {
  if (step.kind === 'combine') {
    const elements = inputs as Elements[];
    const counts = await kernels.apply(step.op, elements, { dtype: step.dtype, bytes: room }, step.from + first);
    return { ...counts, nonFiniteInputs: countNonFiniteInputs(step.op, elements, counts) };
  }
  room.set(inputs as Uint8Array);
  return { changed: 0, unchanged: count, nonFinite: 0, nonFiniteInputs: 0 };
}

function add(sum: MergeCounts, more: MergeCounts): void {
  sum.changed += more.changed;
  sum.unchanged += more.unchanged;
  sum.nonFinite += more.nonFinite;
  sum.nonFiniteInputs += more.nonFiniteInputs;
}

type Report = (more: number, phase: 'merging' | 'closing', tensor?: string) => void;

/** At most twenty reports a second, and always of the end: a tiny model has hundreds of steps, and each report wakes the page. */
function throttled(onProgress: OnProgress, { shards }: MergePlan, shard: number): Report {
  const { file, header, bytes } = shards[shard]!;
  let done = header.length;
  let told = Number.NEGATIVE_INFINITY;
  return (more, phase, tensor) => {
    done += more;
    const now = performance.now();
    if (phase === 'merging' && now - told < 50) return;
    told = now;
    const place = { shard: shard + 1, shards: shards.length, phase, ...(tensor ? { tensor } : {}) };
    onProgress({ label: file, done, total: bytes, unit: 'bytes', ...place });
  };
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}
