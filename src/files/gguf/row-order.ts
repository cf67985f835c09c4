/**
 * Rows of a file in another order than the file has them, at the same positions. llama.cpp stores the rows of q and k so that the two
 * numbers that rotate together are neighbours (0, d/2, 1, d/2 + 1, …); Hugging Face keeps the halves of a head apart (0, 1, … d - 1).
 */

import type { ByteSource } from '../source.ts';

/** Bytes [start, end) of a file are heads of `headRows` rows, each of `rowBytes` bytes, in llama.cpp's order. */
export interface RowOrder {
  start: number;
  end: number;
  headRows: number;
  rowBytes: number;
}

/**
 * The same file with those heads in Hugging Face's order. Reads whole heads: at most one more than asked for at either end.
 * @param source slices must be the caller's own: they are put in order in place
 */
export function reorderRows(source: ByteSource, orders: readonly RowOrder[]): ByteSource {
  return {
    size: source.size,
    async slice(start, end) {
      const touched = orders.filter((order) => order.start < end && order.end > start);
      let [from, to] = [start, end];
      for (const order of touched) {
        const head = order.headRows * order.rowBytes;
        const within = (at: number) => (at - order.start) % head;
        if (start > order.start) from = start - within(start);
        if (end < order.end) to = end + ((head - within(end)) % head);
      }
      const bytes = await source.slice(from, to);
      for (const order of touched) separateHalves(bytes, from, to, order);
      return bytes.subarray(start - from, end - from);
    },
    close: () => source.close?.(),
  };
}

/** Every head of one tensor that lies in `bytes`, which begin at `from` in the file. */
function separateHalves(
  bytes: Uint8Array,
  from: number,
  to: number,
  { start, end, headRows, rowBytes }: RowOrder,
): void {
  const headBytes = headRows * rowBytes;
  const half = headRows / 2;
  for (let at = Math.max(start, from); at < Math.min(end, to); at += headBytes) {
    const head = bytes.slice(at - from, at - from + headBytes);
    for (let row = 0; row < headRows; row++) {
      const stored = row < half ? 2 * row : 2 * (row - half) + 1;
      bytes.set(head.subarray(stored * rowBytes, (stored + 1) * rowBytes), at - from + row * rowBytes);
    }
  }
}
