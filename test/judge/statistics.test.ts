/** Wilson's interval against published values: Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17, 1998, table I, method 3. */

import { expect, test } from 'vitest';
import { wilson } from '../../src/judge/statistics.ts';

test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
  [0, 10, 0, 0.2775],
  [5, 10, 0.2366, 0.7634],
])('%i of %i: %f to %f', (count, total, low, high) => {
  const rate = wilson(count, total);
  expect(rate.rate).toBe(count / total);
  expect(rate.low).toBeCloseTo(low, 4);
  expect(rate.high).toBeCloseTo(high, 4);
});

test('The interval mirrors itself and ends exactly at 0 and 1', () => {
  expect(wilson(0, 7).low).toBe(0);
  expect(wilson(7, 7).high).toBe(1);
  expect(wilson(2, 9).low).toBeCloseTo(1 - wilson(7, 9).high, 12);
});

test('Nothing counted means nothing known', () => {
  expect(wilson(0, 0)).toEqual({ count: 0, total: 0, rate: Number.NaN, low: 0, high: 1 });
});

test.each([
  [-1, 3],
  [4, 3],
  [0.5, 3],
  [0, Number.NaN],
])('%f of %f is no count', (count, total) => {
  expect(() => wilson(count, total)).toThrow(RangeError);
});
