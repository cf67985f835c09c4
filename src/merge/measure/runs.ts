/** Which elements of a tensor are looked at: all of them, in pieces, or a few runs spread evenly over it. Pure. */

/**
 * What one small read of a sample brings, for `openInputs`. Runs lie far apart: with a merge's window of 1 MiB a sample would read more than
 * the files hold. Norms, side by side, still come many at a time.
 */
export const SAMPLE_WINDOW_BYTES = 64 << 10;

export interface Run {
  first: number;
  count: number;
}

/** All elements, in pieces of at most `size`. */
export function everyRun(elements: number, size: number): Run[] {
  const runs: Run[] = [];
  for (let first = 0; first < elements; first += size) runs.push({ first, count: Math.min(size, elements - first) });
  return runs;
}

/** One run in the middle of each of `runs` equal parts; everything, in one run, where that is no more. */
export function evenRuns(elements: number, runs: number, size: number): Run[] {
  if (elements <= runs * size) return everyRun(elements, Math.max(1, elements));
  const part = elements / runs;
  return Array.from({ length: runs }, (_, i) => ({ first: Math.floor(part * i + (part - size) / 2), count: size }));
}
