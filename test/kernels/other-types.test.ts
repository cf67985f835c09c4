/** F64 and the 8-bit floats, which are stored but never computed in, in numbers worked out by hand. */

import { beforeAll, describe, expect, test } from 'vitest';
import { decodeFloats, encodeFloats, type FloatDtype } from '../../src/core/dtype.ts';
import type { Elements, Kernels } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { compiledKernels } from './compiled.ts';
import { weights } from './elements.ts';

const as = (dtype: FloatDtype, ...values: number[]): Elements => ({
  dtype,
  bytes: encodeFloats(Float32Array.from(values), dtype),
});
const f64 = (...values: number[]): Elements => ({
  dtype: 'F64',
  bytes: new Uint8Array(Float64Array.from(values).buffer),
});
const valuesOf = ({ bytes, dtype }: Elements) => [...decodeFloats(bytes, dtype)];

describe.each(['reference', 'wasm'] as const)('%s', (backend) => {
  let kernels: Kernels;
  beforeAll(async () => {
    kernels = backend === 'wasm' ? await compiledKernels() : referenceKernels;
  });

  test('F64 is rounded to float32 before the arithmetic, and that rounding is no change', async () => {
    const out = f64(0, 0);
    const inputs = [f64(0.1, 1 + 2 ** -40), f64(0, 0.25), f64(0, 0)];
    const counts = await kernels.apply({ kind: 'add-scaled-difference', scale: 1 }, inputs, out, 0);
    expect([...new Float64Array(out.bytes.buffer)]).toEqual([Math.fround(0.1), 1.25]);
    expect(counts).toEqual({ changed: 1, unchanged: 1, nonFinite: 0 });
  });

  test('E4M3: 1.125 is the step after 1; an edit of half a step goes to the even one', async () => {
    const out = as('F8_E4M3', 0, 0, 0);
    const inputs = [as('F8_E4M3', 1, 1.125, 1), as('BF16', 0.0625, 0.0625, 0.125)];
    const counts = await kernels.apply({ kind: 'add-scaled', scale: 1 }, inputs, out, 0);
    expect(valuesOf(out)).toEqual([1, 1.25, 1.125]);
    expect(counts).toEqual({ changed: 2, unchanged: 1, nonFinite: 0 });
  });

  test('what is too large for E4M3 is stored as 448 and counted; in E5M2 it is infinite', async () => {
    const inputs = [as('F32', 448, 464, 465, -1e9, Number.NaN)];
    const small = as('F8_E4M3', 0, 0, 0, 0, 0);
    const counts = await kernels.apply({ kind: 'convert' }, inputs, small, 0);
    expect(valuesOf(small)).toEqual([448, 448, 448, -448, Number.NaN]);
    expect(counts).toEqual({ changed: 0, unchanged: 5, nonFinite: 3 });
    const large = as('F8_E5M2', 0, 0, 0, 0, 0);
    expect((await kernels.apply({ kind: 'convert' }, inputs, large, 0)).nonFinite).toBe(2);
    expect(valuesOf(large)[3]).toBe(Number.NEGATIVE_INFINITY);
  });

  test('the output may lie on an input of its type, over several pieces', async () => {
    const [sft, vector, out] = [1, 2, 3].map((seed) => weights('F8_E5M2', 150_000, seed, 0)) as [
      Elements,
      Elements,
      Elements,
    ];
    await kernels.apply({ kind: 'add-scaled', scale: 2 }, [sft, vector], out, 0);
    await kernels.apply({ kind: 'add-scaled', scale: 2 }, [sft, vector], sft, 0);
    expect(Buffer.compare(sft.bytes, out.bytes)).toBe(0);
  });

  test('nothing is written when the operands do not fit', async () => {
    const out = as('F8_E4M3', 7, 7);
    const call = async () => kernels.apply({ kind: 'difference' }, [f64(1, 2), f64(1)], out, 0);
    await expect(call).rejects.toThrow(RangeError);
    expect(valuesOf(out)).toEqual([7, 7]);
  });
});
