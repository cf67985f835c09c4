/**
 * W + scale * B @ A on a tile of W (low-rank.ts above has the definition): every lane sums one element over the rank in ascending order, each
 * product and each sum rounded by itself. Four rows and eight columns at a time keep their 32 sums in registers, so that for 32 multiply-adds
 * ten numbers are read.
 */

// @ts-nocheck: AssemblyScript

import { canonical } from './lanes';

/**
 * @param tile   [rows, columns] of W, changed in place; rows a multiple of 4, columns of 8
 * @param lines  [rows, rank]
 * @param across of each eight columns [rank, 8], one after the other
 */
export function foldTile(
  tile: usize, lines: usize, across: usize, rows: i32, columns: i32, rank: i32, scale: f32,
): void {
  const line = <usize>rank << 2;
  const row = <usize>columns << 2;
  for (let i = 0; i < rows; i += 4) {
    let eight = across;
    for (let j: usize = 0; j < row; j += 32) {
      foldSums(tile + j, lines, eight, line, row, f32x4.splat(scale));
      eight += line << 3;
    }
    tile += row << 2;
    lines += line << 2;
  }
}

// @ts-ignore: decorator
@inline
function foldSums(tile: usize, lines: usize, across: usize, line: usize, row: usize, scale: v128): void {
  const second = lines + line;
  const third = second + line;
  const fourth = third + line;
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  for (let k: usize = 0; k < line; k += 4) {
    const y0 = v128.load(across);
    const y1 = v128.load(across, 16);
    let x = v128.load32_splat(lines + k);
    s00 = f32x4.add(s00, f32x4.mul(x, y0));
    s01 = f32x4.add(s01, f32x4.mul(x, y1));
    x = v128.load32_splat(second + k);
    s10 = f32x4.add(s10, f32x4.mul(x, y0));
    s11 = f32x4.add(s11, f32x4.mul(x, y1));
    x = v128.load32_splat(third + k);
    s20 = f32x4.add(s20, f32x4.mul(x, y0));
    s21 = f32x4.add(s21, f32x4.mul(x, y1));
    x = v128.load32_splat(fourth + k);
    s30 = f32x4.add(s30, f32x4.mul(x, y0));
    s31 = f32x4.add(s31, f32x4.mul(x, y1));
    across += 32;
  }
  addSums(tile, scale, s00, s01);
  addSums(tile + row, scale, s10, s11);
  addSums(tile + 2 * row, scale, s20, s21);
  addSums(tile + 3 * row, scale, s30, s31);
}

// @ts-ignore: decorator
@inline
function addSums(at: usize, scale: v128, first: v128, second: v128): void {
  v128.store(at, canonical(f32x4.add(v128.load(at), f32x4.mul(scale, first))));
  v128.store(at, canonical(f32x4.add(v128.load(at, 16), f32x4.mul(scale, second))), 16);
}

/** Each row times its own factor; rows and columns as above. */
export function scaleRows(tile: usize, factors: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    const factor = v128.load32_splat(factors + (<usize>i << 2));
    const end = tile + (<usize>columns << 2);
    for (; tile < end; tile += 16) v128.store(tile, canonical(f32x4.mul(factor, v128.load(tile))));
  }
}

/** Each column times its own factor. */
export function scaleColumns(tile: usize, factors: usize, rows: i32, columns: i32): void {
  const row = <usize>columns << 2;
  for (let i = 0; i < rows; i++) {
    for (let j: usize = 0; j < row; j += 16) {
      v128.store(tile + j, canonical(f32x4.mul(v128.load(factors + j), v128.load(tile + j))));
    }
    tile += row;
  }
}
