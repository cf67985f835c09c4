/** Which rows share a pass of the model. */

/**
 * A block's attention holds rows x new tokens x all tokens scores per head: 256 MiB for 32 heads at this many. A batch of short prompts
 * is far below; a batch of long ones would not fit into the memory of WebAssembly.
 */
const LARGEST_ATTENTION = 2 ** 21;

export function attentionFits(rows: number, added: number, total: number): boolean {
  return rows * added * total <= LARGEST_ATTENTION;
}

/**
 * Indices of rows in batches of like lengths, the short ones first, since each is padded to the longest of its batch. A row that does not fit
 * by itself is alone.
 * @param fits whether the rows of these indices, whose longest is the last, may run together
 */
export function batchesOf(
  lengths: readonly number[],
  batchSize: number,
  fits: (indices: readonly number[], longest: number) => boolean = ({ length }, longest) =>
    attentionFits(length, longest, longest),
): number[][] {
  const batches: number[][] = [];
  const byLength = lengths.map((_, index) => index).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  for (const index of byLength) {
    const batch = batches.at(-1);
    if (batch && batch.length < batchSize && fits([...batch, index], lengths[index]!)) batch.push(index);
    else batches.push([index]);
  }
  return batches;
}
