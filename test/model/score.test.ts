import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logits } from '../../src/model/score.ts';
import { loadModel, type Model } from '../../src/model/session.ts';
import { CHECKPOINTS, largestDifference, readReference, unpack } from '../graph/fixtures.ts';
import { checkpointFolder, nodeRuntime } from './checkpoints.ts';

describe.each(CHECKPOINTS)('logits of %s', (name) => {
  const reference = readReference(name);
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(nodeRuntime(), checkpointFolder(name), () => {});
  });
  afterAll(() => model.release());

  it('are those of PyTorch at every position, for rows of different lengths', async () => {
    const { single, long } = reference;
    const { dims, data } = await logits(model, [single.ids, long.ids]);
    expect(dims).toEqual([2, 56, 128]);
    expect(largestDifference(data.subarray(0, 13 * 128), unpack(single.logits))).toBeLessThan(2e-5);
    expect(largestDifference(data.subarray((56 + 48) * 128), unpack(long.logits))).toBeLessThan(2e-5);
    expect(data.subarray(13 * 128, 56 * 128).every((value) => value === 0)).toBe(true);
  });

  it.each([[[]], [[128]], [[-1]], [[1.5]], [new Array(257).fill(1)]])(
    'are refused for ids that make no sense',
    async (ids) => {
      await expect(logits(model, [[5], ids])).rejects.toMatchObject({ code: 'prompts-invalid', data: { index: 1 } });
    },
  );
});
