/** What logits say about the next token, in float64: probabilities of tokens that are hardly ever said still count in a sum of logarithms. */

/** The first of the largest, as PyTorch's argmax on a CPU takes it. */
export function indexOfLargest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** ln(sum of exp(logit)): the natural logarithm of a token's probability is its logit less this. */
export function logSumExp(logits: Float32Array): number {
  const largest = logits[indexOfLargest(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - largest);
  return largest + Math.log(sum);
}

/**
 * Ids by descending logit, ties by ascending id; what is no number is left out. Few are ever asked for, so only bands from the top are
 * sorted, each as deep as all before it: sorting 150,000 tokens at every step would take longer than a small model does.
 * @param depth of the first band, in logits
 */
export function* descending(logits: Float32Array, depth = 1): Generator<number, undefined> {
  const largest = logits[indexOfLargest(logits)]!;
  let least = largest;
  for (let i = 0; i < logits.length; i++) if (logits[i]! < least) least = logits[i]!;
  for (let upper = Number.POSITIVE_INFINITY, reach = depth; ; reach *= 2) {
    const lower = largest - reach;
    const band: number[] = [];
    for (let i = 0; i < logits.length; i++) if (logits[i]! >= lower && logits[i]! < upper) band.push(i);
    yield* band.sort((a, b) => logits[b]! - logits[a]! || a - b);
    if (!(lower > least) || lower === Number.NEGATIVE_INFINITY) return;
    upper = lower;
  }
}
