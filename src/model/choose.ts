/**
 * The next token of an answer: the likeliest, or one drawn by chance. A draw is a function of (seed, prompt, step) and the logits
 * alone, so neither the size of a batch nor its other rows change an answer, but for the last bits of logits that a batch rounds otherwise:
 * one draw in about a million lies so near an edge.
 */

import { type MaskStream, maskStream, uniform } from '../core/philox.ts';
import { descending, indexOfLargest } from './distribution.ts';
import type { Sampling } from './generation.ts';

/** @param step counts the tokens of the answer from 0 */
export type Choose = (logits: Float32Array, step: number) => number;

/** Of one row; greedy without `sampling` and at temperature 0. The same prompt with the same seed gets the same numbers. */
export function chooser(prompt: readonly number[], sampling?: Sampling): Choose {
  if (sampling === undefined || sampling.temperature === 0) return indexOfLargest;
  const stream: MaskStream = maskStream(sampling.seed, prompt.join(' '));
  return (logits, step) => draw(logits, sampling, uniform(stream, step));
}

/**
 * Temperature, then the `topK` likeliest, then of these the fewest whose share is at least `topP` (the nucleus of Holtzman et al. 2020,
 * https://arxiv.org/abs/1904.09751), in this order as in transformers. Then the inverse of the cumulative distribution over
 * descending logits, ties by ascending id. transformers keeps more than `topK` where the last are tied; here a tie goes to the lower id.
 * @param chance uniform on [0, 1)
 */
export function draw(logits: Float32Array, { temperature, topK, topP = 1 }: Sampling, chance: number): number {
  const largest = logits[indexOfLargest(logits)]!;
  const weight = (logit: number): number => Math.exp((logit - largest) / temperature);
  // A band that reaches two temperatures down ends at a weight of 0.14.
  const ranked = descending(logits, Math.max(1, 2 * temperature));
  const ids: number[] = [];
  /** Per id, its weight and those of all before it. */
  const sums: number[] = [];
  let sum = 0;
  const takeUntil = (enough: () => boolean): void => {
    for (let next = ranked.next(); !next.done; next = ranked.next()) {
      sum += weight(logits[next.value]!);
      ids.push(next.value);
      sums.push(sum);
      if (enough()) return;
    }
  };

  let total = 0;
  if (topK !== undefined) {
    takeUntil(() => ids.length >= topK);
    total = sum;
  } else {
    for (let i = 0; i < logits.length; i++) total += weight(logits[i]!);
    // Without a nucleus the draw itself says where to stop.
    takeUntil(() => (topP < 1 ? sum >= topP * total : sum > chance * total));
  }
  const nucleus = topP < 1 ? (sums.find((upTo) => upTo >= topP * total) ?? sum) : total;
  // Sums in another order round otherwise: where none is found, the last one (-1) stands for what is missing.
  const chosen = sums.findIndex((upTo) => upTo > chance * nucleus);
  return ids.at(chosen) ?? indexOfLargest(logits);
}

/** Throws RangeError. */
export function checkSampling({ temperature, topK, topP, seed }: Sampling): void {
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw new RangeError(`temperature must be a number from 0 (greedy) on, not ${temperature}`);
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1))
    throw new RangeError(`topK must be a whole number from 1 on, not ${topK}`);
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    throw new RangeError(`topP must be above 0 and at most 1, not ${topP}`);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a whole number, not ${seed}`);
}
