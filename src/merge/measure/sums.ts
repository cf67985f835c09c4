/**
 * What is summed over the elements of a tensor, and what follows from the sums. All in float64, element after element in the order of the
 * tensor: the same numbers whatever the size of the pieces it comes in. Knows nothing of files and names.
 */

/** Bins of a histogram: one per power of two of the magnitude, counted as float32's exponent field is. */
const BINS = 256;
/** Bin e holds magnitudes from 2^(e − 127) up to, not with, 2^(e − 126); bin 0 also takes everything below. */
const BIAS = 127;

/** Of one vector (a difference of two models, or a saved one). */
export interface DeltaSums {
  squares: number;
  max: number;
  /** Elements that are exactly zero. */
  zeros: number;
  /** Elements that are not, by magnitude. */
  bins: Float64Array;
}

export interface Sums {
  /** Of the tensors, and how many of them were looked at. */
  elements: number;
  measured: number;
  /** Elements with a NaN or an infinity in any of the models: counted here, and nowhere else. */
  nonFinite: number;
  /** Squares of the weights that norms are compared with. */
  base: number;
  finetune?: DeltaSums;
  safety?: DeltaSums;
  /** Fine-tune's delta times safety vector. */
  dot: number;
}

export interface DeltaStats {
  /** L2; an estimate where only a sample was looked at. */
  norm: number;
  /** Norm divided by that of the base weights; undefined where those are all zero. */
  relative?: number;
  /** Largest magnitude; in a sample, the largest seen. */
  max: number;
  /** Share of elements that are exactly zero. */
  zeros: number;
}

export interface Stats {
  elements: number;
  measured: number;
  nonFinite: number;
  baseNorm: number;
  finetune?: DeltaStats;
  safety?: DeltaStats;
  /** Missing unless both vectors are there and neither is zero. */
  cosine?: number;
}

/** `counts[i]` elements have a magnitude from 2^(lowest + i) up to 2^(lowest + i + 1); the other ones are exactly zero. */
export interface Histogram {
  lowest: number;
  counts: number[];
  zeros: number;
}

/** Values of the same elements in each model; a vector is `plus` − `minus`, or `plus` alone. */
export interface Operands {
  base: Float32Array;
  finetune?: Difference;
  safety?: Difference;
}

export interface Difference {
  plus: Float32Array;
  minus?: Float32Array;
}

export function noSums(parts: { finetune: boolean; safety: boolean }): Sums {
  return {
    elements: 0,
    measured: 0,
    nonFinite: 0,
    base: 0,
    dot: 0,
    ...(parts.finetune && { finetune: noDelta() }),
    ...(parts.safety && { safety: noDelta() }),
  };
}

function noDelta(): DeltaSums {
  return { squares: 0, max: 0, zeros: 0, bins: new Float64Array(BINS) };
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Adds a run of elements to the sums of their tensor. The difference of two float32 is taken in float64. */
export function accumulate(sums: Sums, { base, finetune, safety }: Operands): void {
  let { base: squares, dot, nonFinite } = sums;
  for (let i = 0; i < base.length; i++) {
    const weight = base[i]!;
    const delta = finetune ? valueAt(finetune, i) : 0;
    const vector = safety ? valueAt(safety, i) : 0;
    // Sums of float32 cannot overflow here: only a NaN or an infinity fails this.
    if ((weight + delta + vector) * 0 !== 0) {
      nonFinite++;
      continue;
    }
    squares += weight * weight;
    dot += delta * vector;
    if (finetune) addValue(sums.finetune!, delta);
    if (safety) addValue(sums.safety!, vector);
  }
  sums.measured += base.length;
  sums.base = squares;
  sums.dot = dot;
  sums.nonFinite = nonFinite;
}

function valueAt({ plus, minus }: Difference, i: number): number {
  return minus ? plus[i]! - minus[i]! : plus[i]!;
}

function addValue(sums: DeltaSums, value: number): void {
  if (value === 0) {
    sums.zeros++;
    return;
  }
  const magnitude = Math.abs(value);
  sums.squares += value * value;
  if (magnitude > sums.max) sums.max = magnitude;
  float[0] = magnitude;
  sums.bins[bits[0]! >>> 23]!++;
}

/** Adds the sums of a tensor to those of its layer, module or model; a sample speaks for the whole tensor. */
export function addSums(total: Sums, tensor: Sums): void {
  const factor = tensor.measured === 0 ? 0 : tensor.elements / tensor.measured;
  total.elements += tensor.elements;
  total.measured += tensor.measured;
  total.nonFinite += tensor.nonFinite;
  total.base += factor * tensor.base;
  total.dot += factor * tensor.dot;
  for (const part of ['finetune', 'safety'] as const) {
    const [into, from] = [total[part], tensor[part]];
    if (!into || !from) continue;
    into.squares += factor * from.squares;
    into.max = Math.max(into.max, from.max);
    into.zeros += factor * from.zeros;
    for (let bin = 0; bin < BINS; bin++) into.bins[bin]! += factor * from.bins[bin]!;
  }
}

/** Of sums that `addSums` made. */
export function statsOf(sums: Sums): Stats {
  const { elements, measured, nonFinite, finetune, safety } = sums;
  const baseNorm = Math.sqrt(sums.base);
  const cosine = finetune && safety ? sums.dot / Math.sqrt(finetune.squares) / Math.sqrt(safety.squares) : Number.NaN;
  return {
    elements,
    measured,
    nonFinite,
    baseNorm,
    ...(finetune && { finetune: deltaStats(finetune, baseNorm, elements) }),
    ...(safety && { safety: deltaStats(safety, baseNorm, elements) }),
    // Rounding may carry equal directions a hair beyond 1.
    ...(Number.isFinite(cosine) && { cosine: Math.max(-1, Math.min(1, cosine)) }),
  };
}

function deltaStats({ squares, max, zeros }: DeltaSums, baseNorm: number, elements: number): DeltaStats {
  const norm = Math.sqrt(squares);
  const share = elements === 0 ? 0 : zeros / elements;
  return { norm, ...(baseNorm > 0 && { relative: norm / baseNorm }), max, zeros: share };
}

/** From the lowest to the highest bin that holds anything. */
export function histogramOf({ bins, zeros }: DeltaSums): Histogram {
  const first = bins.findIndex((count) => count > 0);
  if (first < 0) return { lowest: 0, counts: [], zeros };
  const last = bins.findLastIndex((count) => count > 0);
  return { lowest: first - BIAS, counts: [...bins.subarray(first, last + 1)], zeros };
}
