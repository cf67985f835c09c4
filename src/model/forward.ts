/**
 * One look of the model at given tokens: logits at the last positions of many rows, a batch per pass, padded on the left so that the
 * rows end together. What would take too much memory or time at once goes in pieces, each with the keys and values of those before.
 */

import { attentionFits, batchesOf } from './batches.ts';
import { breather } from './breath.ts';
import { emptyCache, releaseCache, runStep, type Steppable } from './step.ts';

export interface ForwardRow {
  /** 1 to `positions` ids of the vocabulary. */
  ids: readonly number[];
  /** Positions from the end to look at, at least 1. */
  keep: number;
}

/** Memory of the logits of one pass, which onnxruntime holds twice. */
const LARGEST_LOGITS = 64 * 2 ** 20;
/** New tokens x parameters of a pass on the CPU, about a second on one thread: a cancel is heard between passes. */
const LARGEST_WORK = 2 ** 33;
/** Rows of a pass unless asked otherwise. */
export const DEFAULT_ROWS = 32;

/**
 * Calls `use` once per kept position of each row, in the order of a row's positions; `position` counts in `ids`. The logits [vocabulary] are
 * float32, and another's after the call. Rejects as `runStep` does; with AbortError soon after `signal` aborts.
 */
export async function forward(
  model: Steppable,
  rows: readonly ForwardRow[],
  batchSize: number,
  use: (row: number, position: number, logits: Float32Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const pause = breather(signal);
  const fits = (added: number, count: number, longest: number, keep: number): boolean =>
    attentionFits(count, added, longest) && passFits(model, count * added, count * keep);
  const lengths = rows.map(({ ids }) => ids.length);
  const together = (indices: readonly number[], longest: number): boolean =>
    fits(longest, indices.length, longest, mostKept(rows, indices));
  for (const indices of batchesOf(lengths, batchSize, together)) {
    const longest = lengths[indices.at(-1)!]!;
    let piece = longest;
    // Only a row that is alone may be too large, and only such a one may be cut: attention takes no batch of pieces.
    while (piece > 1 && !fits(piece, indices.length, longest, Math.min(piece, mostKept(rows, indices)))) {
      piece = Math.ceil(piece / 2);
    }
    await pass(model, rows, indices, piece, use, pause);
  }
}

function mostKept(rows: readonly ForwardRow[], indices: readonly number[]): number {
  return Math.max(...indices.map((index) => rows[index]!.keep));
}

function passFits({ runtime, graph }: Steppable, added: number, kept: number): boolean {
  if (4 * kept * graph.decoder.vocabulary > LARGEST_LOGITS) return false;
  return runtime.backend !== 'wasm' || added * graph.parameters <= LARGEST_WORK;
}

async function pass(
  model: Steppable,
  rows: readonly ForwardRow[],
  indices: readonly number[],
  piece: number,
  use: (row: number, position: number, logits: Float32Array) => void,
  pause: () => Promise<void>,
): Promise<void> {
  const { vocabulary } = model.graph.decoder;
  const longest = Math.max(...indices.map((index) => rows[index]!.ids.length));
  const padding = indices.map((index) => longest - rows[index]!.ids.length);
  const padded = indices.map((index, i) => [...new Array<number>(padding[i]!).fill(0), ...rows[index]!.ids]);
  const firstKept = longest - mostKept(rows, indices);
  let cache = emptyCache(model, indices.length);
  try {
    for (let start = 0; start < longest; start += piece) {
      await pause();
      const total = Math.min(longest, start + piece);
      const keep = Math.max(1, total - Math.max(start, firstKept)); // 0 would mean all
      const ids = padded.flatMap((row) => row.slice(start, total));
      const output = await runStep(model, { ids, padding, total, keep, cache });
      cache = output.cache;
      for (const [i, index] of indices.entries()) {
        const from = Math.max(total - keep, longest - rows[index]!.keep);
        for (let column = from; column < total; column++) {
          const at = (i * keep + column - (total - keep)) * vocabulary;
          use(index, column - padding[i]!, output.logits.subarray(at, at + vocabulary));
        }
      }
    }
  } finally {
    releaseCache(cache);
  }
}
