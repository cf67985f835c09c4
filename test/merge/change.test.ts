/** What an adapter costs in reads: its matrices once per tensor, in whatever order the pieces of two tensors arrive. */

import { expect, test } from 'vitest';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { readChanges } from '../../src/merge/inputs/change.ts';
import type { InputRange, LowRankRange, WeightRange } from '../../src/merge/inputs/inputs.ts';

const ROWS = 4;
const COLUMNS = 8;
const range = (file: string): InputRange => ({ role: 'sft', file, dtype: 'F32', start: 0, end: 4 * ROWS * COLUMNS });

/** A weight with a low-rank change, or a DoRA. */
function changed(name: string, dora = false): WeightRange {
  const plus: LowRankRange = {
    kind: 'low-rank',
    a: range(`${name}.a`),
    b: range(`${name}.b`),
    rank: 2,
    columns: COLUMNS,
    rows: ROWS,
    scale: 1,
    transposed: false,
    ...(dora && { magnitude: range(`${name}.m`) }),
  };
  return { ...range(name), plus };
}

/** Elements that are all 1; a base arrives after so many milliseconds, everything else at once. */
function reading(delays: Record<string, number[]>) {
  const asked: string[] = [];
  const read = async ({ file }: InputRange, _: number, count: number) => {
    asked.push(file);
    await new Promise((resolve) => setTimeout(resolve, delays[file]?.shift() ?? 0));
    return { dtype: 'F32' as const, bytes: new Uint8Array(new Float32Array(count).fill(1).buffer) };
  };
  return { asked, change: readChanges(read, referenceKernels) };
}

const times = (asked: string[], file: string) => asked.filter((one) => one === file).length;

test('the matrices of two tensors whose pieces arrive out of order are loaded once each', async () => {
  const { asked, change } = reading({ first: [0, 60], second: [20, 0] });
  const [first, second] = [changed('first'), changed('second')];
  await Promise.all([change(first, 0, 16), change(first, 16, 16), change(second, 0, 16)]);
  await change(second, 16, 16);
  for (const matrix of ['first.a', 'first.b', 'second.a', 'second.b']) expect(times(asked, matrix), matrix).toBe(1);
});

test('the norms of a DoRA are taken once, also when a piece of it comes after the next tensor', async () => {
  const { asked, change } = reading({});
  const [first, second] = [changed('first', true), changed('second', true)];
  await change(first, 0, 16);
  await change(second, 0, 16);
  await change(first, 16, 16);
  await change(second, 16, 16);
  // Two pieces, and one pass for the norms.
  expect([times(asked, 'first'), times(asked, 'second')]).toEqual([3, 3]);
  expect([times(asked, 'first.m'), times(asked, 'second.m')]).toEqual([1, 1]);
});

test('a base that cannot be read is told, whatever becomes of the matrices', async () => {
  const read = async ({ file }: InputRange): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, file === 'first' ? 0 : 5));
    throw new Error(`no ${file}`);
  };
  await expect(readChanges(read, referenceKernels)(changed('first'), 0, 16)).rejects.toThrow('no first');
});
