import { describe, expect, it } from 'vitest';
import { checkSampling, chooser, draw } from '../../src/model/choose.ts';
import { descending, indexOfLargest, logSumExp } from '../../src/model/distribution.ts';
import type { Sampling } from '../../src/model/generation.ts';
import { readScores } from './scores.ts';

/** Logits like those of a model: a few large ones above many small ones. Deterministic. */
function peaked(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const noise = Math.sin(i * 12.9898) * 43758.5453;
    return 8 * (noise - Math.floor(noise)) ** 6;
  });
}

describe.each(readScores().draws)(
  'a draw at temperature $temperature, top-k $topK, top-p $topP',
  ({ logits, temperature, topK, topP, probabilities }) => {
    const sampling: Sampling = {
      temperature,
      seed: 11,
      ...(topK !== null && { topK }),
      ...(topP !== null && { topP }),
    };
    const row = Float32Array.from(logits);

    it('gives each token the share of chance that transformers gives it', () => {
      const grid = 20_000;
      const shares = new Array<number>(row.length).fill(0);
      for (let i = 0; i < grid; i++) shares[draw(row, sampling, (i + 0.5) / grid)]! += 1 / grid;
      for (const [id, share] of shares.entries()) expect(Math.abs(share - probabilities[id]!)).toBeLessThan(2 / grid);
    });

    it('follows these probabilities over many steps of one answer (chi-square)', () => {
      const steps = 5000;
      const choose = chooser([3, 1, 4], sampling);
      const counts = new Array<number>(row.length).fill(0);
      for (let step = 0; step < steps; step++) counts[choose(row, step)]!++;
      const possible = probabilities.flatMap((probability, id) => (probability > 0 ? [id] : []));
      expect(counts.reduce((sum, count, id) => sum + (probabilities[id]! > 0 ? 0 : count), 0)).toBe(0);
      const distances = possible.map((id) => {
        const expected = steps * probabilities[id]!;
        return (counts[id]! - expected) ** 2 / expected;
      });
      // The 99.9 % point of chi-square with 11 degrees of freedom, the most there are here, is 31.3.
      expect(distances.reduce((sum, one) => sum + one, 0)).toBeLessThan(31.3);
    });
  },
);

describe('a draw', () => {
  const row = peaked(5000);
  const greedy = indexOfLargest(row);
  const chances = [0, 0.2, 0.5, 0.9, 1 - Number.EPSILON];

  it('goes from the likeliest to the least likely, ties by the lower id', () => {
    const tied = Float32Array.of(0, 1, 0, 1, -1);
    const chosen = Array.from({ length: 1000 }, (_, i) => draw(tied, { temperature: 1, seed: 0 }, i / 1000));
    expect([...new Set(chosen)]).toEqual([1, 3, 0, 2, 4]);
  });

  it('is the first of the largest with one candidate, with a nucleus of next to nothing, and as the temperature goes to zero', () => {
    for (const chance of chances) {
      expect(draw(row, { temperature: 3, topK: 1, seed: 0 }, chance)).toBe(greedy);
      expect(draw(Float32Array.of(2, 5, 5), { temperature: 3, topK: 1, seed: 0 }, chance)).toBe(1);
      expect(draw(row, { temperature: 1, topP: 1e-9, seed: 0 }, chance)).toBe(greedy);
      for (const temperature of [1e-6, 1e-300]) expect(draw(row, { temperature, seed: 0 }, chance)).toBe(greedy);
    }
    expect(chooser([1], { temperature: 0, seed: 0 })(row, 0)).toBe(greedy);
  });

  it('never takes a token that is ruled out, and copes with a very high temperature', () => {
    const masked = Float32Array.of(Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, 0);
    for (const chance of chances) {
      for (const temperature of [0.5, 1e300])
        expect([1, 3]).toContain(draw(masked, { temperature, topK: 4, seed: 0 }, chance));
    }
  });

  it('depends on the seed, the prompt and the step', () => {
    const answer = (prompt: number[], seed: number) => {
      const choose = chooser(prompt, { temperature: 5, seed });
      return Array.from({ length: 20 }, (_, step) => choose(row, step)).join();
    };
    expect(answer([1, 2], 7)).toBe(answer([1, 2], 7));
    expect(new Set([answer([1, 2], 7), answer([1, 2], 8), answer([1, 3], 7), answer([12], 7)]).size).toBe(4);
    expect(new Set(answer([1, 2], 7).split(',')).size).toBeGreaterThan(10);
  });
});

describe('a distribution', () => {
  it('is walked from the top to its end, as sorting all of it would', () => {
    const row = peaked(700);
    row.set([Number.NEGATIVE_INFINITY, 3, 3, -50], 100);
    const sorted = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b);
    expect([...descending(row)]).toEqual(sorted);
    expect([...descending(row, 1e9)]).toEqual(sorted);
  });

  it('has a logarithm of its sum that neither overflows nor forgets the small ones', () => {
    expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.LN2, 12);
    expect(logSumExp(Float32Array.of(0, -30))).toBeCloseTo(Math.exp(-30), 15);
    expect(logSumExp(Float32Array.of(0, Number.NEGATIVE_INFINITY))).toBe(0);
  });
});

describe('options that make no sense are a mistake of the caller, told by name', () => {
  const right: Sampling = { temperature: 1, seed: 0 };
  it.each<[Partial<Sampling>, string]>([
    [{ temperature: -1 }, 'temperature'],
    [{ temperature: Number.NaN }, 'temperature'],
    [{ temperature: Number.POSITIVE_INFINITY }, 'temperature'],
    [{ topK: 0 }, 'topK'],
    [{ topK: 1.5 }, 'topK'],
    [{ topP: 0 }, 'topP'],
    [{ topP: 1.01 }, 'topP'],
    [{ topP: Number.NaN }, 'topP'],
    [{ seed: 0.5 }, 'seed'],
    [{ seed: 2 ** 53 }, 'seed'],
  ])('%j', (wrong, name) => {
    expect(() => checkSampling({ ...right, ...wrong })).toThrow(RangeError);
    expect(() => checkSampling({ ...right, ...wrong })).toThrow(name);
  });
  it('and others are none', () => expect(() => checkSampling({ ...right, topK: 1, topP: 1, seed: -3 })).not.toThrow());
});
