/** The input side of a running merge: files opened once, checked against the plan, and read in runs of elements. */

import { dtypeBytes, isFloatDtype } from '../../core/dtype.ts';
import { AppError } from '../../core/errors.ts';
import { openFolder } from '../../files/folder.ts';
import { headerOf } from '../../files/shard.ts';
import { type ByteSource, readAhead } from '../../files/source.ts';
import { openWeightFile } from '../../files/weights.ts';
import type { Elements } from '../../kernels/kernels.ts';
import { foldLowRank } from '../../kernels/low-rank.ts';
import type { MergePlan } from '../plan/plan.ts';
import type { Role } from '../recipe/recipe.ts';
import { type MergeInputs, rolesOf } from '../recipe/request.ts';
import { type ChangeReader, type Folding, readChanges } from './change.ts';
import type { InputRange, WeightRange } from './inputs.ts';

/**
 * Small tensors often lie side by side: one read brings hundreds of them, and costs what reading one does. Not so large that windows would be
 * streamed (source.ts): a norm between two large tensors would take the stream away from them.
 */
const WINDOW_BYTES = 1 << 18;

export interface InputReader {
  /** Bytes [from, to) of a range, counted from its start. */
  bytes(range: InputRange, from: number, to: number): Promise<Uint8Array>;
  /** Elements [first, first + count) of a tensor in one role; float32 when an adapter changes them. */
  elements(range: WeightRange, first: number, count: number): Promise<Elements>;
  /** Bytes asked for so far. */
  bytesRead(): number;
  /** Lets go of the files. */
  close(): Promise<void>;
}

/**
 * Opens nothing yet. Files are checked when first read: 'file-changed' unless size and header are those the plan was made from.
 * @param kernels what folds adapters; plain loops will do for a sample
 * @param windowBytes what a small read brings; less for samples, which do not come back for the rest
 */
export function openInputs(
  plan: Pick<MergePlan, 'inputs'>,
  inputs: MergeInputs,
  kernels: Folding = { foldLowRank },
  windowBytes = WINDOW_BYTES,
): InputReader {
  const roles = rolesOf(inputs).filter((role) => plan.inputs[role] !== undefined);
  const folders = new Map(roles.map((role) => [role, openFolder(inputs[role]!)]));
  const sources = new Map<string, Promise<ByteSource>>();
  let read = 0;

  const openFile = async (role: Role, file: string) => {
    const { name, files } = plan.inputs[role]!;
    const source = readAhead(await openWeightFile(folders.get(role)!, file), windowBytes);
    const planned = files.find((candidate) => candidate.file === file)!;
    const same = source.size === planned.bytes && (await headerOf(source, planned)) === planned.headerSha256;
    if (same) return source;
    throw new AppError('file-changed', `${file} of “${name}” changed since it was opened.`, 'Open the folder again.', {
      file,
      role,
    });
  };

  const bytes = async ({ role, file, start, end }: InputRange, from: number, to: number) => {
    if (start + to > end) throw new RangeError(`${from}..${to} of ${file} ${start}..${end}`);
    const key = `${role}/${file}`;
    const source = sources.get(key) ?? openFile(role, file);
    sources.set(key, source);
    read += to - from;
    return (await source).slice(start + from, start + to);
  };
  const unchanged = async (range: InputRange, first: number, count: number): Promise<Elements> => {
    if (!isFloatDtype(range.dtype)) throw new TypeError(`${range.dtype} is not computed with`); // refused by compatibility.ts
    const size = dtypeBytes(range.dtype);
    return { dtype: range.dtype, bytes: await bytes(range, first * size, (first + count) * size) };
  };
  const changed: ChangeReader = readChanges(unchanged, kernels);

  return {
    bytes,
    elements: (range, first, count) => (range.plus ? changed(range, first, count) : unchanged(range, first, count)),
    bytesRead: () => read,
    async close() {
      for (const opened of await Promise.allSettled(sources.values()))
        if (opened.status === 'fulfilled') opened.value.close?.();
    },
  };
}
