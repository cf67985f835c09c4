/**
 * What an adapter makes of the weights below it, run by run: the arithmetic is the kernels' and fold.ts's, here is what has to be read for it
 * and what is kept between runs.
 */

import { decodeFloats, dtypeBytes } from '../../core/dtype.ts';
import { recycle } from '../../files/stream.ts';
import type { Elements, Kernels } from '../../kernels/kernels.ts';
import { arrangeMatrices, type LowRankMatrices } from '../../kernels/low-rank.ts';
import type { Role } from '../recipe/recipe.ts';
import { addScaled, addSquares, doraFactors } from './fold.ts';
import type { InputRange, LowRankRange, RowsRange, WeightRange } from './inputs.ts';

type ElementReader = (range: InputRange, first: number, count: number) => Promise<Elements>;
/** The part of the kernels that folds. */
export type Folding = Pick<Kernels, 'foldLowRank'>;
export type ChangeReader = (range: WeightRange, first: number, count: number) => Promise<Elements>;

/** Elements at a time while the norms of a DoRA are taken: 4 MiB of float32. */
const NORM_RUN = 1 << 20;

/** Pieces are read ahead, so the end of one tensor and the beginning of the next are asked for at once. */
const KEPT_TENSORS = 2;

/** @param read elements of a range as they are stored */
export function readChanges(read: ElementReader, kernels: Folding): ChangeReader {
  /** Of the last tensors of each role: a whole adapter in float32 could be large. */
  const kept = new Map<Role, { plus: LowRankRange; matrices: Promise<LowRankMatrices> }[]>();

  const matricesOf = (range: WeightRange, plus: LowRankRange): Promise<LowRankMatrices> => {
    const recent = kept.get(plus.a.role) ?? [];
    const known = recent.find((one) => one.plus === plus);
    if (known) return known.matrices;
    const matrices = loadMatrices(read, kernels, range, plus);
    kept.set(plus.a.role, [{ plus, matrices }, ...recent].slice(0, KEPT_TENSORS));
    return matrices;
  };

  return async (range, first, count) => {
    const { plus } = range;
    if (plus?.kind === 'low-rank') {
      // Asked for in the order of the calls, not in that of the bases' arrival.
      const [matrices, base] = await Promise.all([matricesOf(range, plus), read(range, first, count)]);
      return spent(base, await kernels.foldLowRank(base, matrices, first));
    }
    const base = await read(range, first, count);
    if (!plus) return base;
    if (plus.kind === 'scaled') return addScaled(base, await read(plus.values, first, count), plus.scale);
    return replaceRows(read, base, plus, first, count);
  };
}

/** What was made of `base`, whose own bytes nobody needs any more. */
function spent(base: Elements, made: Elements): Elements {
  recycle(base.bytes);
  return made;
}

async function loadMatrices(
  read: ElementReader,
  kernels: Folding,
  range: WeightRange,
  plus: LowRankRange,
): Promise<LowRankMatrices> {
  const { rank, rows, columns, magnitude } = plus;
  const floats = async (input: InputRange, count: number) => {
    const { bytes, dtype } = await read(input, 0, count);
    return decodeFloats(bytes, dtype);
  };
  const [a, b] = await Promise.all([floats(plus.a, rank * columns), floats(plus.b, rows * rank)]);
  const matrices = arrangeMatrices(a, b, plus);
  if (!magnitude) return matrices;
  // A norm is one of a whole row of W + dW, so the tensor is folded twice: here for its norms, then run by run.
  const squares = new Float64Array(rows);
  for (let first = 0; first < rows * columns; first += NORM_RUN) {
    const base = await read(range, first, Math.min(NORM_RUN, rows * columns - first));
    const folded = spent(base, await kernels.foldLowRank(base, matrices, first));
    addSquares(squares, decodeFloats(folded.bytes, 'F32'), matrices, first);
  }
  return { ...matrices, factors: doraFactors(await floats(magnitude, rows), squares) };
}

/** Trained words in place of the base's; stored types that differ become float32, where all of them are exact but F64. */
async function replaceRows(
  read: ElementReader,
  base: Elements,
  { ids, width, values }: RowsRange,
  first: number,
  count: number,
): Promise<Elements> {
  const inside = ids.flatMap((id, row) =>
    id * width < first + count && (id + 1) * width > first ? [{ id, row }] : [],
  );
  if (inside.length === 0 && base.dtype === values.dtype) return base;
  const same = base.dtype === values.dtype;
  const size = same ? dtypeBytes(base.dtype) : 4;
  const bytes = same ? base.bytes.slice() : new Uint8Array(decodeFloats(base.bytes, base.dtype).buffer);
  for (const { id, row } of inside) {
    const from = Math.max(first, id * width);
    const to = Math.min(first + count, (id + 1) * width);
    const found = await read(values, row * width + from - id * width, to - from);
    bytes.set(
      same ? found.bytes : new Uint8Array(decodeFloats(found.bytes, found.dtype).buffer),
      (from - first) * size,
    );
  }
  return { dtype: same ? base.dtype : 'F32', bytes };
}
