/**
 * The weights of a model, read once and widened to float32. Neighbours are read together: for a model of a megabyte the round trips
 * of one read per tensor cost more than all the rest of loading it.
 */

import { isFloatDtype } from '../core/dtype.ts';
import type { OnProgress } from '../core/progress.ts';
import type { TensorRef } from '../core/tensor.ts';
import type { Folder } from '../files/folder.ts';
import { openWeightFile } from '../files/weights.ts';
import { initializerBytes } from '../graph/weights.ts';
import { runtimeFailure } from './failure.ts';

/** A file that onnxruntime finds beside the graph. */
export interface ExternalFile {
  path: string;
  data: Uint8Array;
}

/** Most bytes of neighbours in one read: 4 MiB reads reach full speed, and no more than this is held besides the result. */
const RUN_BYTES = 2 ** 22;

/** Tensors of one file whose bytes follow each other. */
type Run = [TensorRef, ...TensorRef[]];

/** One file per tensor. Tensors must be floats. Rejects as reading does, and with AppError 'model-too-large'. */
export async function readInitializers(
  folder: Folder,
  tensors: readonly TensorRef[],
  onProgress: OnProgress,
): Promise<ExternalFile[]> {
  const total = tensors.reduce((sum, tensor) => sum + tensor.end - tensor.start, 0);
  const files: ExternalFile[] = [];
  let done = 0;
  for (const run of runsOf(tensors)) {
    files.push(...(await readRun(folder, run)));
    done += run.at(-1)!.end - run[0].start;
    onProgress({ label: run[0].source, done, total, unit: 'bytes' });
  }
  return files;
}

function runsOf(tensors: readonly TensorRef[]): Run[] {
  const inFileOrder = [...tensors].sort((a, b) =>
    a.source === b.source ? a.start - b.start : a.source < b.source ? -1 : 1,
  );
  const runs: Run[] = [];
  for (const tensor of inFileOrder) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const follows = before !== undefined && before.source === tensor.source && before.end === tensor.start;
    if (run !== undefined && follows && tensor.end - run[0].start <= RUN_BYTES) run.push(tensor);
    else runs.push([tensor]);
  }
  return runs;
}

async function readRun(folder: Folder, run: Run): Promise<ExternalFile[]> {
  const { source, start } = run[0];
  try {
    const bytes = await (await openWeightFile(folder, source)).slice(start, run.at(-1)!.end);
    return run.map((tensor) => ({
      path: tensor.name,
      data: widen(tensor, bytes.subarray(tensor.start - start, tensor.end - start)),
    }));
  } catch (error) {
    // How a browser says that an array is too large for what memory is left.
    throw error instanceof RangeError ? runtimeFailure(error, 'the weights were read') : error;
  }
}

function widen(tensor: TensorRef, bytes: Uint8Array): Uint8Array {
  if (!isFloatDtype(tensor.dtype)) throw new TypeError(`${tensor.name} is ${tensor.dtype}.`);
  return initializerBytes(bytes, tensor.dtype);
}
