import { describe, expect, test } from 'vitest';
import { computerMemory, shortageOf } from '../../src/app/memory-room.ts';
import type { MemoryEstimate, ModelPreview } from '../../src/model/generation.ts';

const GIB = 2 ** 30;
const takes = (total: number): MemoryEstimate => ({ weights: total, cache: 0, work: 0, widened: 0, runtime: 0, total });

const preview: ModelPreview = {
  modelType: 'llama',
  parameters: 1e9,
  backend: 'wasm',
  memory: { f32: takes(5 * GIB), int8: takes(2 * GIB), int4: takes(GIB) },
  limit: 4 * GIB,
};

describe('the memory of a model', () => {
  test('is enough where neither WebAssembly nor the computer is too small', () => {
    expect(shortageOf(preview, 'int8')).toBeUndefined();
    expect(shortageOf(preview, 'int8', 2 * GIB)).toBeUndefined();
  });

  test('falls short of WebAssembly, and the largest precision that would fit is named', () => {
    expect(shortageOf(preview, 'f32', 8 * GIB)).toEqual({
      needs: 5 * GIB,
      room: 4 * GIB,
      of: 'wasm',
      smaller: { precision: 'int8', needs: 2 * GIB },
    });
  });

  test('falls short of a small computer, where the browser tells', () => {
    expect(shortageOf(preview, 'int8', 1.5 * GIB)).toMatchObject({ of: 'computer', smaller: { precision: 'int4' } });
    expect(shortageOf(preview, 'int4', 0.5 * GIB)).toEqual({ needs: GIB, room: 0.5 * GIB, of: 'computer' });
  });

  test('has no limit on a graphics card that tells none', () => {
    const { limit: _, ...card } = preview;
    expect(shortageOf({ ...card, backend: 'webgpu' }, 'f32')).toBeUndefined();
  });

  test('is not known of a precision that cannot be had', () => {
    expect(shortageOf(preview, 'f16', GIB)).toBeUndefined();
  });

  test('of the computer is told in GiB, or not at all', () => {
    expect(computerMemory({ deviceMemory: 8 })).toBe(8 * GIB);
    expect(computerMemory({})).toBeUndefined();
  });
});
