/** The input side of a running merge: files opened once, checked against the plan, and read in runs of elements. */

import { decodeFloats, dtypeBytes, isFloatDtype } from '../core/dtype.ts';
import { AppError } from '../core/errors.ts';
import { openFolder } from '../files/folder.ts';
import { sha256Hex } from '../files/sha256.ts';
import { type ByteSource, readAhead } from '../files/source.ts';
import type { Elements } from '../kernels/kernels.ts';
import { foldLowRank, type LowRankMatrices } from './fold.ts';
import type { InputRange, LowRankRange, WeightRange } from './inputs.ts';
import type { MergePlan } from './plan.ts';
import type { Role } from './recipe.ts';
import { type MergeInputs, rolesOf } from './request.ts';

/** Small tensors (norms, biases) lie side by side: one read brings hundreds of them, and costs what reading one does. */
const WINDOW_BYTES = 1 << 20;

export interface InputReader {
  /** Bytes [from, to) of a range, counted from its start. */
  bytes(range: InputRange, from: number, to: number): Promise<Uint8Array>;
  /** Elements [first, first + count) of a tensor in one role; float32 when an adapter is folded in. */
  elements(range: WeightRange, first: number, count: number): Promise<Elements>;
  /** Bytes asked for so far. */
  bytesRead(): number;
}

/** Opens nothing yet. Files are checked when first read: 'file-changed' unless size and header are those the plan was made from. */
export function openInputs(plan: Pick<MergePlan, 'inputs'>, inputs: MergeInputs): InputReader {
  const folders = Object.fromEntries(rolesOf(inputs).map((role) => [role, openFolder(inputs[role]!)]));
  const sources = new Map<string, Promise<ByteSource>>();
  const matrices = new Map<LowRankRange, Promise<LowRankMatrices>>();
  let read = 0;

  const openFile = async (role: Role, file: string) => {
    const source = readAhead(await folders[role]!.open(file), WINDOW_BYTES);
    const planned = plan.inputs[role]!.files.find((candidate) => candidate.file === file)!;
    const same =
      source.size === planned.bytes && sha256Hex(await source.slice(0, planned.headerBytes)) === planned.headerSha256;
    if (!same) {
      throw new AppError(
        'file-changed',
        `${file} of ${plan.inputs[role]!.name} changed since it was opened.`,
        'Open the folder again.',
        {
          file,
          role,
        },
      );
    }
    return source;
  };
  const sourceOf = (role: Role, file: string) => once(sources, `${role}/${file}`, () => openFile(role, file));

  const bytes = async ({ role, file, start, end }: InputRange, from: number, to: number) => {
    if (start + to > end) throw new RangeError(`${from}..${to} of ${file} ${start}..${end}`);
    const source = await sourceOf(role, file);
    read += to - from;
    return source.slice(start + from, start + to);
  };
  const elementsOf = async (range: InputRange, first: number, count: number): Promise<Elements> => {
    if (!isFloatDtype(range.dtype)) throw new TypeError(`${range.dtype} is not computed with`); // refused by compatibility.ts
    const size = dtypeBytes(range.dtype);
    return { dtype: range.dtype, bytes: await bytes(range, first * size, (first + count) * size) };
  };
  const loadMatrices = async (plus: LowRankRange): Promise<LowRankMatrices> => {
    const { rank, rows, columns, scale, transposed } = plus;
    const [a, b] = await Promise.all([elementsOf(plus.a, 0, rank * columns), elementsOf(plus.b, 0, rows * rank)]);
    return {
      a: decodeFloats(a.bytes, a.dtype),
      b: decodeFloats(b.bytes, b.dtype),
      rank,
      rows,
      columns,
      scale,
      transposed,
    };
  };

  return {
    bytes,
    async elements(range, first, count) {
      const base = await elementsOf(range, first, count);
      if (!range.plus) return base;
      const { plus } = range;
      // Only the tensor at hand is kept: a whole adapter in float32 could be large.
      if (!matrices.has(plus)) matrices.clear();
      return foldLowRank(base, await once(matrices, plus, () => loadMatrices(plus)), first);
    },
    bytesRead: () => read,
  };
}

function once<K, V>(kept: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = kept.get(key);
  if (known) return known;
  const made = make();
  kept.set(key, made);
  return made;
}
