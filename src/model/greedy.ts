/**
 * Greedy decoding of many prompts, in ids: batches of like lengths, padded on the left, with a cache of keys and values.
 *
 * A loop of our own instead of transformers.js's `generate()`, because a comparison runs hundreds of short prompts: each row stops at
 * its own stop token and is told at once, finished rows leave the batch, a cancel takes effect within one step, and no tensor is
 * wrapped twice. The library looks at the last token only, so its batches run on until all rows end in the same step.
 */

import { cancelled } from '../core/errors.ts';
import type { StopReason } from './generation.ts';
import { emptyCache, keepRows, releaseCache, runStep, type Steppable } from './step.ts';

export interface GreedyOptions {
  /** At least 1. */
  maxNewTokens: number;
  batchSize: number;
  /** Any of these ends a row. */
  stopTokens: ReadonlySet<number>;
}

export interface GreedyAnswer {
  /** New tokens, without the stop token. */
  tokens: number[];
  stopReason: StopReason;
}

interface Row extends GreedyAnswer {
  index: number;
  prompt: readonly number[];
  finished: boolean;
}

/** Rows leave the batch when an eighth of it is finished: copying the cache of those that stay then costs less than dragging the others along. */
const FINISHED_SHARE = 1 / 8;
/** A cancel must be heard while the session runs step after step without ever letting the thread's messages in. */
const BREATH_MS = 50;

/**
 * Calls `onAnswer` once per prompt, in the order they finish. Prompts must have at least one token and fit the model's positions.
 * Resolves with the number of tokens made (stop tokens included); rejects with AbortError soon after `signal` aborts.
 */
export async function greedy(
  model: Steppable,
  prompts: readonly (readonly number[])[],
  options: GreedyOptions,
  onAnswer: (index: number, answer: GreedyAnswer) => void,
  signal: AbortSignal,
): Promise<number> {
  const byLength = prompts
    .map((prompt, index): Row => ({ index, prompt, tokens: [], stopReason: 'length', finished: false }))
    .sort((a, b) => a.prompt.length - b.prompt.length || a.index - b.index);
  const pause = breather(signal);
  let made = 0;
  for (let first = 0; first < byLength.length; first += options.batchSize) {
    const batch = byLength.slice(first, first + options.batchSize);
    made += await answerBatch(model, batch, options, (row) => onAnswer(row.index, row), pause);
  }
  return made;
}

async function answerBatch(
  model: Steppable,
  batch: Row[],
  options: GreedyOptions,
  onFinished: (row: GreedyAnswer & { index: number }) => void,
  pause: () => Promise<void>,
): Promise<number> {
  const vocabulary = model.graph.decoder.vocabulary;
  const longest = Math.max(...batch.map((row) => row.prompt.length));
  let rows = batch;
  let padding = rows.map((row) => longest - row.prompt.length);
  let ids = rows.flatMap((row, i) => [...new Array<number>(padding[i]!).fill(0), ...row.prompt]);
  let cache = emptyCache(model, rows.length);
  let made = 0;
  try {
    for (let total = longest; ; total++) {
      await pause();
      const output = await runStep(model, { ids, padding, total, keep: 1, cache });
      cache = output.cache;
      ids = rows.map((_, i) => indexOfLargest(output.logits, i * vocabulary, (i + 1) * vocabulary));
      const room = total < model.graph.positions;
      rows.forEach((row, i) => {
        if (row.finished) return;
        made++;
        extend(row, ids[i]!, options, room);
        if (row.finished) onFinished(row);
      });
      const open = rows.flatMap((row, i) => (row.finished ? [] : [i]));
      if (open.length === 0) return made;
      // On a GPU the cache stays where it is and finished rows are carried along.
      if (model.runtime.backend === 'wasm' && rows.length - open.length >= FINISHED_SHARE * rows.length) {
        cache = keepRows(model, cache, open);
        [rows, padding, ids] = [open.map((i) => rows[i]!), open.map((i) => padding[i]!), open.map((i) => ids[i]!)];
      }
    }
  } finally {
    releaseCache(cache);
  }
}

/** `room`: another token would still find a position. */
function extend(row: Row, token: number, options: GreedyOptions, room: boolean): void {
  if (options.stopTokens.has(token)) {
    row.stopReason = 'eos';
    row.finished = true;
    return;
  }
  row.tokens.push(token);
  row.finished = row.tokens.length >= options.maxNewTokens || !room;
}

/** The first of the largest, as PyTorch's argmax on a CPU takes it; relative to `start`. */
function indexOfLargest(values: Float32Array, start: number, end: number): number {
  let best = start;
  for (let i = start + 1; i < end; i++) if (values[i]! > values[best]!) best = i;
  return best - start;
}

/** Lets waiting messages in every BREATH_MS (a port's message, since timers are held back to 4 ms) and throws when one was a cancel. */
function breather(signal: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > BREATH_MS) {
      await new Promise<void>((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          resolve();
        };
        port2.postMessage(null);
      });
      last = performance.now();
    }
    if (signal.aborted) throw cancelled();
  };
}
