/** The miniatures that a graphics card is tried with, on the CPU: each must be a model that computes something. */

import { describe, expect, it } from 'vitest';
import { tensorShapes } from '../../src/graph/form.ts';
import { miniatureConfig } from '../../src/graph/miniature.ts';
import { normalForm } from '../../src/graph/normalize.ts';
import { PRECISIONS, type Precision } from '../../src/graph/precision.ts';
import { largestDeviation, soundRuntime } from '../../src/model/selftest.ts';
import { CHECKPOINTS, FAMILIES, readConfig } from '../graph/fixtures.ts';
import { nodeRuntime } from './checkpoints.ts';

describe.each([...CHECKPOINTS, ...FAMILIES])('the miniature of %s', (name) => {
  const config = readConfig(name);
  const miniature = miniatureConfig(config);

  it('is of the same kind and small', () => {
    const [large, small] = [normalForm(config), normalForm(miniature)];
    expect([small.family, small.headDim]).toEqual([large.family, large.headDim]);
    const numbers = [...tensorShapes(small).values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(numbers).toBeLessThan(1e6);
    expect(small.blocks.some(({ attention }) => attention.window !== undefined)).toBe(
      large.blocks.some(({ attention }) => attention.window !== undefined),
    );
  });

  it('agrees with itself where one device runs both', async () => {
    expect(await largestDeviation(nodeRuntime(), miniature, 'f32')).toBe(0);
  });
});

it.each(PRECISIONS.filter((precision): precision is Precision => precision !== 'f16'))(
  'asks nothing of a runtime without a device (%s)',
  async (precision) => {
    const runtime = nodeRuntime();
    expect(await soundRuntime(runtime, readConfig('tied'), precision)).toBe(runtime);
  },
);
