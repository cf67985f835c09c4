/** Counts to rates with honest intervals. Tests between two models (McNemar, kappa) are not here yet. */

import type { Rate } from './verdict.ts';

/** The 97.5 % point of the standard normal distribution: two-sided 95 %. */
const Z = 1.959964;

/**
 * The Wilson score interval at 95 % (E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927).
 * It stays inside [0, 1] and says something at 0 of n, where the textbook interval is empty.
 *
 * @param count of `total`, both non-negative integers, count <= total
 * @returns fractions; with a total of 0 the rate is NaN and the interval [0, 1]: nothing is known
 */
export function wilson(count: number, total: number): Rate {
  if (!(Number.isInteger(count) && Number.isInteger(total) && count >= 0 && count <= total)) {
    throw new RangeError(`${count} of ${total} is not a count`);
  }
  if (total === 0) return { count, total, rate: Number.NaN, low: 0, high: 1 };
  const rate = count / total;
  const spread = Z * Math.sqrt((rate * (1 - rate)) / total + Z ** 2 / (4 * total ** 2));
  const centre = rate + Z ** 2 / (2 * total);
  const shrink = 1 + Z ** 2 / total;
  // At the ends the interval touches 0 or 1 exactly; the arithmetic leaves a crumb of 1e-17.
  const low = count === 0 ? 0 : (centre - spread) / shrink;
  const high = count === total ? 1 : (centre + spread) / shrink;
  return { count, total, rate, low, high };
}
