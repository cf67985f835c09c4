/**
 * Folding a LoRA through the module's memory, tile by tile: some rows of base weights, and as many columns as their part of the matrix fits a
 * slot, go in, become float32, are changed and come back.
 */

import { dtypeBytes } from '../../core/dtype.ts';
import type { Elements } from '../kernels.ts';
import { foldLowRank, type LowRankMatrices } from '../low-rank.ts';
import { BLOCK, type KernelModule, type Slots } from './module.ts';

/** Columns are computed in eights, rows in fours (assembly/low-rank.ts). */
const COLUMNS = 8;
const ROWS = 4;

/** [rank, 8] of every eight columns, by `across`: what the module reads one after the other. */
const packedOf = new WeakMap<Float32Array, Float32Array>();

interface Fold {
  module: KernelModule;
  slots: Slots;
  memory: Uint8Array;
  floats: Float32Array;
  base: Elements;
  matrices: LowRankMatrices;
  out: Float32Array;
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
  const { buffer } = module.memory;
  const out = new Float32Array(base.bytes.byteLength / dtypeBytes(base.dtype));
  const [memory, floats] = [new Uint8Array(buffer), new Float32Array(buffer)];
  const fold: Fold = { module, slots, memory, floats, base, matrices, out, firstElement };
  const packed = packedOf.get(matrices.across) ?? pack(matrices);
  packedOf.set(matrices.across, packed);

  const columns = Math.min(down(BLOCK / Math.max(rank, ROWS), COLUMNS), up(width, COLUMNS));
  const rows = Math.min(down(BLOCK / rank, ROWS), down(BLOCK / columns, ROWS));
  const [firstLine, endLine] = [Math.floor(firstElement / width), Math.ceil((firstElement + out.length) / width)];
  for (let column = 0; column < width; column += columns) {
    floats.set(packed.subarray(column * rank, (column + columns) * rank), slots[2] / 4);
    for (let line = firstLine; line < endLine; line += rows)
      foldTile(fold, line, Math.min(rows, endLine - line), column, Math.min(columns, width - column));
  }
  return { dtype: 'F32', bytes: new Uint8Array(out.buffer) };
}

function foldTile(fold: Fold, line: number, lines: number, column: number, columns: number): void {
  const { module, slots, floats, matrices, out } = fold;
  const { rank, scale, factors, transposed } = matrices;
  const [tile, linesAt, acrossAt, factorsAt] = slots;
  const [rows, stride] = [up(lines, ROWS), up(columns, COLUMNS)];
  const parts = partsOf(fold, line, lines, column, columns);
  for (const { row, skip, from, to } of parts) copyIn(fold, tile + 4 * (row * stride + skip), from, to);
  floats.set(matrices.lines.subarray(line * rank, (line + lines) * rank), linesAt / 4);
  module.foldTile(tile, linesAt, acrossAt, rows, stride, rank, scale);
  if (factors && transposed) {
    floats.set(factors.subarray(column, column + columns), factorsAt / 4);
    module.scaleColumns(tile, factorsAt, rows, stride);
  } else if (factors) {
    floats.set(factors.subarray(line, line + lines), factorsAt / 4);
    module.scaleRows(tile, factorsAt, rows, stride);
  }
  for (const { row, skip, from, to } of parts) {
    const at = tile / 4 + row * stride + skip;
    out.set(floats.subarray(at, at + to - from), from);
  }
}

/** Elements [from, to) of the run into the tile, by way of the last slot; up to seven more after them, where the next row or slot is not filled yet. */
function copyIn({ module, slots, memory, base: { bytes, dtype } }: Fold, at: number, from: number, to: number): void {
  const size = dtypeBytes(dtype);
  const stored = bytes.subarray(from * size, to * size);
  memory.set(stored, dtype === 'F32' ? at : slots[3]);
  if (dtype !== 'F32') module[`widen${dtype}`](at, slots[3], up(to - from, COLUMNS));
}

interface Part {
  row: number;
  /** Elements of the row before `from`. */
  skip: number;
  from: number;
  to: number;
}

/** Of each row of a tile what the run holds, counted from its first element: all of it, but for the run's first and last line. */
function partsOf(
  { out, matrices: { width }, firstElement }: Fold,
  line: number,
  lines: number,
  column: number,
  columns: number,
): Part[] {
  const parts: Part[] = [];
  for (let row = 0; row < lines; row++) {
    const start = (line + row) * width + column - firstElement;
    const [from, to] = [Math.max(0, start), Math.min(out.length, start + columns)];
    if (from < to) parts.push({ row, skip: from - start, from, to });
  }
  return parts;
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
