/** What the device gets of a LoRA's matrices. The device is a made-up one that keeps bytes. */

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { arrangeMatrices, type LowRankMatrices } from '../../src/kernels/low-rank.ts';
import { FoldMatrices, foldElements } from '../../src/kernels/webgpu/fold-matrices.ts';

beforeAll(() => {
  vi.stubGlobal('GPUBufferUsage', { STORAGE: 1, COPY_DST: 2 });
});
afterAll(() => {
  vi.unstubAllGlobals();
});

interface FakeBuffer {
  size: number;
  bytes: Uint8Array;
  destroyed: boolean;
  destroy(): void;
}

function fakeDevice() {
  const buffers: FakeBuffer[] = [];
  const device = {
    createBuffer({ size }: { size: number }): FakeBuffer {
      const buffer = {
        size,
        bytes: new Uint8Array(Math.min(size, 2 ** 23)),
        destroyed: false,
        destroy() {
          this.destroyed = true;
        },
      };
      buffers.push(buffer);
      return buffer;
    },
    queue: {
      writeBuffer(buffer: FakeBuffer, offset: number, from: Float32Array | Uint8Array) {
        if (offset + from.byteLength > buffer.bytes.length) return; // of huge ones no test looks at the bytes
        buffer.bytes.set(new Uint8Array(from.buffer, from.byteOffset, from.byteLength), offset);
      },
    },
  };
  return { buffers, matrices: new FoldMatrices(device as unknown as GPUDevice) };
}

const counting = (length: number) => Float32Array.from({ length }, (_, i) => i);
const floatsOf = (bytes: Uint8Array) => [...new Float32Array(bytes.slice().buffer)];

test('what lies across comes as it was in the file, row by row of the rank, in several slabs', () => {
  const { buffers, matrices } = fakeDevice();
  const a = counting(37 * 9001); // more than a MiB
  const shape = { rank: 37, rows: 2, columns: 9001, scale: 1, transposed: false };
  matrices.upload(arrangeMatrices(a, counting(2 * 37), shape), 0, 10);
  expect(buffers[0]!.size).toBe(a.byteLength);
  expect(Buffer.compare(buffers[0]!.bytes.subarray(0, a.byteLength), new Uint8Array(a.buffer))).toBe(0);
});

test('of the lines go those that the run touches, with their factors', () => {
  const { matrices } = fakeDevice();
  const shape = { rank: 2, rows: 5, columns: 10, scale: 1, transposed: false };
  const lora = { ...arrangeMatrices(counting(20), counting(10), shape), factors: Float32Array.of(10, 11, 12, 13, 14) };
  const { lines, factorsAt } = matrices.upload(lora, 19, 12); // the last of line 1 to the first of line 3
  expect(floatsOf(lines)).toEqual([2, 3, 4, 5, 6, 7, 11, 12, 13]);
  expect(factorsAt).toBe(6);
});

test('factors of a transposed weight lie behind what lies across', () => {
  const { buffers, matrices } = fakeDevice();
  const shape = { rank: 1, rows: 3, columns: 2, scale: 1, transposed: true };
  const lora = { ...arrangeMatrices(counting(2), counting(3), shape), factors: Float32Array.of(7, 8, 9) };
  expect(matrices.upload(lora, 0, 6).factorsAt).toBe(3);
  expect(floatsOf(buffers[0]!.bytes)).toEqual([0, 1, 2, 7, 8, 9]);
});

test('matrices in turns are uploaded once; what is unused for longest goes when they get too large', () => {
  const { buffers, matrices } = fakeDevice();
  const large = (): LowRankMatrices => ({
    lines: counting(1),
    across: new Float32Array(0),
    rank: 1,
    width: 25 * 2 ** 20, // 100 MiB
    scale: 1,
    transposed: false,
  });
  const [one, two, three] = [large(), large(), large()];
  for (const lora of [one, two, one, two]) matrices.upload(lora, 0, 1);
  expect(buffers.length).toBe(2);
  matrices.upload(one, 0, 1);
  matrices.upload(three, 0, 1);
  expect(buffers.map((buffer) => buffer.destroyed)).toEqual([false, true, false]);
}, 30_000);

test('a run is short enough not to be taken for a hang', () => {
  const shape = { rank: 1024, rows: 1, columns: 2 ** 18, scale: 1, transposed: false };
  const none = new Float32Array(0);
  expect(foldElements({ ...shape, lines: none, across: none, width: 2 ** 18 }) * 1024).toBeLessThanOrEqual(2 ** 26);
});
