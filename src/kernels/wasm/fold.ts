/**
 * Folding a LoRA through the module's memory, tile by tile: the base weights become float32 where they will be handed out, then every tile of
 * them (some rows, and as many columns as their part of the matrix fits a slot) goes in, is changed and comes back.
 */

import { dtypeBytes } from '../../core/dtype.ts';
import type { Elements } from '../kernels.ts';
import { foldLowRank, type LowRankMatrices } from '../low-rank.ts';
import { applyInBlocks } from './blocks.ts';
import { BLOCK, type KernelModule, type Slots } from './module.ts';

/** Columns are computed in eights, rows in fours (assembly/low-rank.ts). */
const COLUMNS = 8;
const ROWS = 4;

/** [rank, 8] of every eight columns, by `across`: what the module reads one after the other. */
const packedOf = new WeakMap<Float32Array, Float32Array>();

interface Fold {
  module: KernelModule;
  floats: Float32Array;
  /** In floats. */
  slots: Slots;
  matrices: LowRankMatrices;
  weights: Float32Array;
  firstElement: number;
}

/** As `foldLowRank` of low-rank.ts. */
export function foldInTiles(
  module: KernelModule,
  slots: Slots,
  base: Elements,
  matrices: LowRankMatrices,
  firstElement: number,
): Elements<'F32'> {
  const { rank, width } = matrices;
  if (rank * COLUMNS > BLOCK) return foldLowRank(base, matrices, firstElement); // a rank above 4096: no slot holds a tile's matrices
  const length = base.bytes.byteLength / dtypeBytes(base.dtype);
  const out: Elements<'F32'> = { dtype: 'F32', bytes: new Uint8Array(length * 4) };
  applyInBlocks(module, slots, { arithmetic: { kind: 'convert' }, inputs: [base] }, out, 0);
  const weights = new Float32Array(out.bytes.buffer);
  const places = slots.map((slot) => slot / 4) as unknown as Slots;
  const fold: Fold = {
    module,
    floats: new Float32Array(module.memory.buffer),
    slots: places,
    matrices,
    weights,
    firstElement,
  };
  const packed = packedOf.get(matrices.across) ?? pack(matrices);
  packedOf.set(matrices.across, packed);

  const columns = Math.min(down(BLOCK / Math.max(rank, ROWS), COLUMNS), up(width, COLUMNS));
  const rows = Math.min(down(BLOCK / rank, ROWS), down(BLOCK / columns, ROWS));
  const [firstLine, endLine] = [Math.floor(firstElement / width), Math.ceil((firstElement + length) / width)];
  for (let column = 0; column < width; column += columns) {
    fold.floats.set(packed.subarray(column * rank, (column + columns) * rank), places[2]);
    for (let line = firstLine; line < endLine; line += rows)
      foldTile(fold, line, Math.min(rows, endLine - line), column, Math.min(columns, width - column));
  }
  return out;
}

function foldTile(fold: Fold, line: number, lines: number, column: number, columns: number): void {
  const { module, floats, slots, matrices } = fold;
  const { rank, scale, factors, transposed } = matrices;
  const [tile, linesAt, acrossAt, factorsAt] = slots;
  const [rows, stride] = [up(lines, ROWS), up(columns, COLUMNS)];
  floats.set(matrices.lines.subarray(line * rank, (line + lines) * rank), linesAt);
  const parts = [...partsOf(fold, line, lines, column, columns)];
  for (const { row, skip, part } of parts) floats.set(part, tile + row * stride + skip);
  module.foldTile(tile * 4, linesAt * 4, acrossAt * 4, rows, stride, rank, scale);
  if (factors && transposed) {
    floats.set(factors.subarray(column, column + columns), factorsAt);
    module.scaleColumns(tile * 4, factorsAt * 4, rows, stride);
  } else if (factors) {
    floats.set(factors.subarray(line, line + lines), factorsAt);
    module.scaleRows(tile * 4, factorsAt * 4, rows, stride);
  }
  for (const { row, skip, part } of parts) {
    const at = tile + row * stride + skip;
    part.set(floats.subarray(at, at + part.length));
  }
}

/** Of each row of a tile what the run holds: all of it, but for the run's first and last line. */
function* partsOf(
  { weights, matrices: { width }, firstElement }: Fold,
  line: number,
  lines: number,
  column: number,
  columns: number,
): Generator<{ row: number; skip: number; part: Float32Array }> {
  for (let row = 0; row < lines; row++) {
    const start = (line + row) * width + column - firstElement;
    const [from, to] = [Math.max(0, start), Math.min(weights.length, start + columns)];
    if (from < to) yield { row, skip: from - start, part: weights.subarray(from, to) };
  }
}

function pack({ across, rank, width }: LowRankMatrices): Float32Array {
  const packed = new Float32Array(up(width, COLUMNS) * rank);
  for (let column = 0; column < width; column++) {
    const to = (column - (column % COLUMNS)) * rank + (column % COLUMNS);
    for (let k = 0; k < rank; k++) packed[to + k * COLUMNS] = across[column * rank + k]!;
  }
  return packed;
}

function up(count: number, step: number): number {
  return Math.ceil(count / step) * step;
}

function down(count: number, step: number): number {
  return Math.floor(count / step) * step;
}
