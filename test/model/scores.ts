/** What PyTorch and transformers say, from tools/references/make_scores.py. */

import { readFileSync } from 'node:fs';
import { fixturePath } from '../graph/fixtures.ts';

interface ScoresJson {
  models: Record<
    (typeof SCORED)[number],
    {
      items: { prompt: number[]; continuations: number[][]; logProbs: number[][] }[];
      next: { prompt: number[]; top: [number, number][] }[];
      texts: { ids: number[]; window: number; stride: number; logProb: number; perplexity: number }[];
    }
  >;
  draws: {
    logits: number[];
    temperature: number;
    topK: number | null;
    topP: number | null;
    probabilities: number[];
  }[];
}

export const SCORED = ['tied', 'untied-biases', 'chat'] as const;

export function readScores(): ScoresJson {
  return JSON.parse(readFileSync(fixturePath('.', 'scores.json'), 'utf8'));
}
