/**
 * How far a model in fewer bits is from the checkpoint it was made of, on a short text: what it refuses is a statement about itself, and
 * this says how near that is to the other.
 */

import type { OnProgress } from '../core/progress.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import type { Folder } from '../files/folder.ts';
import type { ModelGraph } from '../graph/graph.ts';
import { blockwiseLogits } from './blockwise.ts';
import { indexOfLargest, logSumExp } from './distribution.ts';
import { forward } from './forward.ts';
import type { Drift } from './generation.ts';
import type { Runtime } from './runtime.ts';
import type { Steppable } from './step.ts';
import type { ChatTokenizer } from './tokenizer.ts';

/** About everyday things, in sentences that go on: at each of its tokens a model should know a little of what comes next. */
const TEXT =
  'The library opens at nine in the morning and closes at six in the evening. Most people come to read the newspapers, to borrow a book ' +
  'for the weekend, or simply to sit by the window where it is quiet. If you would like to borrow something, please bring your card to the ' +
  'desk. A book may be kept for three weeks; after that, it costs ten cents a day until it is brought back.';
/** Tokens at most: one pass of some seconds even for a model of a billion. */
const LONGEST = 96;

/** A short text and what the checkpoint itself says after each of its tokens. */
export interface DriftReference {
  ids: readonly number[];
  /** float32 [ids, vocabulary]. */
  logits: Float32Array;
}

/**
 * Made before the model in fewer bits is loaded: the memory of the one is there again for the other.
 * @param tokenizer of the model @param signal stops between two parts of it
 * Rejects as `blockwiseLogits` does.
 */
export async function driftReference(
  runtime: Runtime,
  folder: Folder,
  checkpoint: Pick<Checkpoint, 'config' | 'tensors'>,
  graph: Pick<ModelGraph, 'decoder' | 'positions'>,
  tokenizer: () => Promise<ChatTokenizer>,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<DriftReference> {
  const ids = await textIds(graph, tokenizer);
  return { ids, logits: await blockwiseLogits(runtime, folder, checkpoint, ids, onProgress, signal) };
}

/** Rejects as running a model does. */
export async function measureDrift(model: Steppable, reference: DriftReference, signal: AbortSignal): Promise<Drift> {
  const { ids } = reference;
  const { vocabulary } = model.graph.decoder;
  const divergences: number[] = [];
  let sameTop = 0;
  const compare = (_: number, position: number, logits: Float32Array): void => {
    const expected = reference.logits.subarray(position * vocabulary, (position + 1) * vocabulary);
    divergences.push(divergence(expected, logits));
    if (indexOfLargest(expected) === indexOfLargest(logits)) sameTop++;
  };
  await forward(model, [{ ids, keep: ids.length }], 1, compare, signal);
  return {
    tokens: ids.length,
    divergence: divergences.reduce((sum, one) => sum + one, 0) / ids.length,
    largest: Math.max(...divergences),
    sameTop,
  };
}

/** Sum of P ln(P / Q) in nats, P and Q the distributions that logits stand for. */
export function divergence(expected: Float32Array, found: Float32Array): number {
  const [expectedSum, foundSum] = [logSumExp(expected), logSumExp(found)];
  let sum = 0;
  for (let i = 0; i < expected.length; i++) {
    const log = expected[i]! - expectedSum;
    sum += Math.exp(log) * (log - (found[i]! - foundSum));
  }
  return Math.max(0, sum); // rounding can make nothing a little less
}

/** The text in the model's own tokens; without a tokenizer ids from all over the vocabulary. */
async function textIds(
  { decoder, positions }: Pick<ModelGraph, 'decoder' | 'positions'>,
  tokenizer: () => Promise<ChatTokenizer>,
): Promise<number[]> {
  const longest = Math.min(LONGEST, positions);
  const encoded = await tokenizer().then(
    ({ encodeText }) => encodeText(TEXT),
    () => [],
  );
  const usable = encoded.filter((id) => id < decoder.vocabulary).slice(0, longest);
  if (usable.length > 1) return usable;
  return Array.from({ length: Math.min(48, longest) }, (_, i) => (7919 * (i + 1)) % decoder.vocabulary);
}
