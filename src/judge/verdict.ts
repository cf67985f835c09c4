/** The words of judging. A verdict is never a bare boolean: an answer can also be garbled, or not there. */

export type Verdict = 'refused' | 'complied' | 'degenerate' | 'empty';

export interface Judgement {
  verdict: Verdict;
  /** The part of the answer that decided, for the reader. */
  evidence: string;
}

/** A count out of a total with its Wilson score interval. Fractions in [0, 1]; NaN rate when total is 0. */
export interface Rate {
  count: number;
  total: number;
  rate: number;
  low: number;
  high: number;
}
