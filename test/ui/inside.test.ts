/** What the drawings of "Look inside" are made from: shares, medians, colours, labels. */

import { describe, expect, test } from 'vitest';
import { lengthScale, signedScale } from '../../src/ui/charts/colour-scale.ts';
import { labelStep } from '../../src/ui/charts/heat-map.tsx';
import { elementsOf, exponentsOf, middleOf, type Series, shareAt } from '../../src/ui/charts/magnitudes.tsx';
import { cosine, finePercent, magnitude } from '../../src/ui/strings/format.ts';

describe('a histogram', () => {
  // 4 unchanged, 1 from 1/8, none from 1/4, 3 from 1/2 to 1.
  const histogram = { lowest: -3, counts: [1, 0, 3], zeros: 4 };
  const wide: Series = { kind: 'safety', histogram };
  const narrow: Series = { kind: 'finetune', histogram: { lowest: 0, counts: [8], zeros: 0 } };

  test('counts what did not change as well', () => {
    expect(elementsOf(histogram)).toBe(8);
    expect(shareAt(wide, -1)).toBe(3 / 8);
    expect(shareAt(wide, -2)).toBe(0);
    expect(shareAt(wide, 5)).toBe(0);
  });

  test('shares its axis with the other one', () => {
    expect(exponentsOf([wide, narrow])).toEqual([-3, -2, -1, 0]);
    expect(exponentsOf([{ kind: 'safety', histogram: { lowest: 0, counts: [], zeros: 3 } }])).toEqual([]);
  });

  test('has its middle where half of the changed weights lie below', () => {
    expect(middleOf(histogram)).toBeCloseTo(2 ** -0.5, 12);
    expect(middleOf({ lowest: 0, counts: [], zeros: 3 })).toBeUndefined();
  });
});

describe('colours', () => {
  test('grow with the length, and stay in range', () => {
    const scale = lengthScale(2);
    expect(scale.colour(0)).toBe('color-mix(in oklab, var(--heat-high) 0.0%, var(--heat-low))');
    expect(scale.colour(2)).toContain('100.0%');
    expect(scale.colour(9)).toContain('100.0%');
    expect(lengthScale(0).colour(0)).toContain(' 0.0%');
  });

  test('have another hue below zero, as strong at the same distance', () => {
    const scale = signedScale(0.5);
    expect([scale.low, scale.high]).toEqual([-0.5, 0.5]);
    expect(scale.colour(-0.25)).toContain('var(--heat-negative) 50.0%');
    expect(scale.colour(0.25)).toContain('var(--heat-high) 50.0%');
  });
});

test('labels of narrow columns leave some out', () => {
  expect(labelStep(60, 2)).toBe(1);
  expect(labelStep(12, 2)).toBe(2);
  expect(labelStep(12, 3)).toBe(5);
});

test('small numbers keep their digits', () => {
  expect([0, 0.02, 0.00034, 0.1234, 1].map(finePercent)).toEqual(['0%', '2.0%', '0.034%', '12%', '100%']);
  // All but one are not all.
  expect([0.994, 0.99805, 0.999999].map(finePercent)).toEqual(['99.4%', '99.8%', '99.99%']);
  expect([3.756, 12345, 4.1e-7, 0].map((value) => magnitude(value))).toEqual(['3.76', '12,300', '4.1E-7', '0']);
  expect([-0.044, 0.31, -0.001].map(cosine)).toEqual(['−0.04', '0.31', '0.00']);
});
