/**
 * The weights of an export, tensor by tensor: a piece of a tensor is made into weights and written while the next is read, so memory does not
 * grow with the model.
 */

import { isFloatDtype } from '../core/dtype.ts';
import { cancelled } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import type { Folder } from '../files/folder.ts';
import type { Output } from '../files/output/writer.ts';
import { type ByteSource, readAhead } from '../files/source.ts';
import { recycle } from '../files/stream.ts';
import { openWeightFile } from '../files/weights.ts';
import { type RowPiece, rowPieces, weightBytes } from '../graph/weights.ts';
import { type DataWriter, openDataWriter } from './data-writer.ts';
import type { ExportPlan, ExportStep } from './plan.ts';

/** Of a tensor read at a time. */
const PIECE_BYTES = 4 << 20;
/** Small tensors lie side by side: one read for many. */
const AHEAD_BYTES = 1 << 20;

interface Piece extends RowPiece {
  step: ExportStep;
}

function* piecesOf({ steps }: ExportPlan): Generator<Piece> {
  for (const step of steps) {
    const { start, end, shape } = step.tensor;
    const weights = step.weights.map(({ weight }) => weight);
    for (const piece of rowPieces({ shape, bytes: end - start }, weights, PIECE_BYTES)) yield { step, ...piece };
  }
}

/** Fills the plan's data files. Rejects as reading and writing do, and with AbortError; then the file at hand is taken away. */
export async function writeWeights(
  plan: ExportPlan,
  folder: Folder,
  output: Output,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  const sources = await openSources(plan, folder);
  const read = ({ step: { tensor }, start, end }: Piece) =>
    sources.get(tensor.source)!.slice(tensor.start + start, tensor.start + end);
  const writer = openDataWriter(output);
  const report = throttled(plan, onProgress);
  try {
    const pieces = piecesOf(plan);
    const ask = () => {
      const { value: piece } = pieces.next() as { value: Piece | undefined };
      const bytes = piece && read(piece);
      bytes?.catch(() => {}); // told when its turn comes, or not at all after another failure
      return piece && { piece, bytes: bytes! };
    };
    /** What the other weights of the tensor at hand have so far: they lie behind the first, and are small. */
    let behind: Uint8Array[][] = [];
    for (let asked = ask(); asked; ) {
      if (signal.aborted) throw cancelled();
      const { piece } = asked;
      const bytes = await asked.bytes;
      asked = ask();
      behind = await writePiece(piece, bytes, behind, writer);
      if (!behind.flat().includes(bytes)) recycle(bytes);
      report(piece);
    }
    if (signal.aborted) throw cancelled();
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    for (const source of sources.values()) source.close?.();
  }
}

async function openSources({ steps }: ExportPlan, folder: Folder): Promise<Map<string, ByteSource>> {
  const files = [...new Set(steps.map(({ tensor }) => tensor.source))];
  const opened = files.map(async (file) => [file, readAhead(await openWeightFile(folder, file), AHEAD_BYTES)] as const);
  return new Map(await Promise.all(opened));
}

/** @param behind of the piece before -> of this one; empty between tensors */
async function writePiece(
  { step, start, end, shape }: Piece,
  bytes: Uint8Array,
  behind: Uint8Array[][],
  writer: DataWriter,
): Promise<Uint8Array[][]> {
  const { name, dtype } = step.tensor;
  if (!isFloatDtype(dtype)) throw new TypeError(`${name} is ${dtype}.`); // refused when planned
  const [first, ...others] = weightBytes(
    { bytes, dtype, shape },
    step.weights.map(({ weight }) => weight),
  );
  if (start === 0) await writer.begin(step.weights[0]!.place);
  await writer.put(first!);
  const gathered = others.map((part, i) => [...(behind[i] ?? []), part]);
  if (end < step.tensor.end - step.tensor.start) return gathered;
  for (const [i, parts] of gathered.entries()) {
    await writer.begin(step.weights[i + 1]!.place);
    for (const part of parts) await writer.put(part);
  }
  return [];
}

/** By source bytes, in the measure of what is written; at most ten times a second, and at the end. */
function throttled({ steps, dataFiles }: ExportPlan, onProgress: OnProgress): (piece: Piece) => void {
  const total = dataFiles.reduce((sum, { bytes }) => sum + bytes, 0);
  const stored = steps.reduce((sum, { tensor }) => sum + tensor.end - tensor.start, 0);
  let done = 0;
  let told = Number.NEGATIVE_INFINITY;
  return ({ step: { tensor, weights }, start, end }) => {
    done += end - start;
    const now = performance.now();
    if (now - told < 100 && done < stored) return;
    told = now;
    const label = weights[0]!.place.location;
    const phase = done < stored ? 'merging' : 'closing';
    onProgress({ label, done: (done / stored) * total, total, unit: 'bytes', phase, tensor: tensor.name });
  };
}
