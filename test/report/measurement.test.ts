/** What was measured, as CSV: every number in its column, empty where there is none. */

import { expect, test } from 'vitest';
import { measurementCsv } from '../../src/report/measurement.ts';

test('one row per tensor; what was not measured is empty, names cannot become formulas', () => {
  const text = measurementCsv({
    tensors: [
      {
        name: 'model.layers.0.q.weight',
        layer: 0,
        module: 'q',
        stats: {
          elements: 10,
          measured: 5,
          nonFinite: 1,
          baseNorm: 2,
          finetune: { norm: 1, relative: 0.5, max: 0.25, zeros: 0.125 },
          safety: { norm: 3, relative: 1.5, max: 0.75, zeros: 0 },
          cosine: -0.5,
        },
      },
      { name: '=1+1', module: 'x', stats: { elements: 1, measured: 1, nonFinite: 0, baseNorm: 0 } },
    ],
  });
  const [head, first, second, end] = text.split('\r\n');
  expect(head!.split(',')).toHaveLength(16);
  expect(first).toBe('model.layers.0.q.weight,0,q,10,5,1,2,1,0.5,0.25,0.125,3,1.5,0.75,0,-0.5');
  expect(second).toBe("'=1+1,,x,1,1,0,0,,,,,,,,,");
  expect(end).toBe('');
});
