import { expect, test } from 'vitest';
import { batchesOf } from '../../src/model/batches.ts';

test('batches hold rows of like lengths, the short ones first, in their order where lengths are the same', () => {
  expect(batchesOf([5, 2, 9, 2, 5], 2)).toEqual([[1, 3], [0, 4], [2]]);
  expect(batchesOf([], 4)).toEqual([]);
});

test('long rows are fewer to a batch: 512 tokens are 8, and what does not fit at all is alone', () => {
  expect(batchesOf(new Array(20).fill(512), 32).map((batch) => batch.length)).toEqual([8, 8, 4]);
  expect(batchesOf([4096, 10, 4096], 32)).toEqual([[1], [0], [2]]);
});
