import { afterEach, describe, expect, test, vi } from 'vitest';
import { reorderRows } from '../../src/files/gguf/row-order.ts';
import { blobSource, readAhead } from '../../src/files/source.ts';
import { recycle } from '../../src/files/stream.ts';

const MIB = 1 << 20;

/** A Blob whose bytes tell where they lie, and that tells how it is read. */
function watched(size: number, streamOf: (blob: Blob) => ReadableStream = (blob) => blob.stream()) {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 255);
  const whole = new Blob([bytes]);
  const log: string[] = [];
  const blob = {
    size,
    slice(start: number, end = size) {
      const part = whole.slice(start, end);
      return {
        size: part.size,
        stream() {
          log.push(`stream from ${start}`);
          return streamOf(part);
        },
        arrayBuffer() {
          log.push(`slice ${start}..${end}`);
          return part.arrayBuffer();
        },
      };
    },
  } as unknown as Blob;
  return { blob, bytes, log };
}

describe('reading a file', () => {
  test('large pieces one after the other come from one stream, and the right bytes come', async () => {
    const { blob, bytes, log } = watched(5 * MIB);
    const source = blobSource(blob);
    for (let at = 0; at < 5 * MIB; at += MIB) {
      const piece = await source.slice(at, at + MIB);
      expect(Buffer.compare(piece, bytes.subarray(at, at + MIB))).toBe(0);
      recycle(piece);
    }
    expect(log).toEqual(['stream from 0']);
  });

  test('a few bytes that nobody asked for are read over in the same stream', async () => {
    const { blob, bytes, log } = watched(4 * MIB);
    const source = blobSource(blob);
    await source.slice(0, MIB);
    const piece = await source.slice(MIB + 4096, 2 * MIB + 4096);
    expect(Buffer.compare(piece, bytes.subarray(MIB + 4096, 2 * MIB + 4096))).toBe(0);
    expect(log).toEqual(['stream from 0']);
    recycle(piece);
  });

  test('a piece elsewhere begins another stream, and the first one can still go on', async () => {
    const { blob, bytes, log } = watched(6 * MIB);
    const source = blobSource(blob);
    for (const at of [0, 3 * MIB, MIB, 4 * MIB]) {
      expect(Buffer.compare(await source.slice(at, at + MIB), bytes.subarray(at, at + MIB))).toBe(0);
    }
    expect(log).toEqual(['stream from 0', `stream from ${3 * MIB}`]);
  });

  test('a file that is let go of ends its streams, and can be read on', async () => {
    let ended = 0;
    const endless = (blob: Blob) => {
      const reader = blob.stream().getReader();
      return new ReadableStream({
        type: 'bytes',
        pull: async (controller) => controller.enqueue((await reader.read()).value as Uint8Array<ArrayBuffer>),
        cancel: () => void ended++,
      });
    };
    const { blob, bytes, log } = watched(4 * MIB, endless);
    const source = blobSource(blob);
    await source.slice(0, MIB);
    source.close!();
    expect(ended).toBe(1);
    expect(Buffer.compare(await source.slice(MIB, 2 * MIB), bytes.subarray(MIB, 2 * MIB))).toBe(0);
    expect(log).toEqual(['stream from 0', `stream from ${MIB}`]);
  });

  test('pieces asked for before the last one has come wait in the same stream', async () => {
    const { blob, bytes, log } = watched(6 * MIB);
    const source = blobSource(blob);
    const pieces = await Promise.all([0, 1, 2, 3].map((i) => source.slice(i * MIB, (i + 1) * MIB)));
    for (const [i, piece] of pieces.entries())
      expect(Buffer.compare(piece, bytes.subarray(i * MIB, (i + 1) * MIB))).toBe(0);
    expect(log).toEqual(['stream from 0']);
  });

  test('two readers of the same bytes at a time do not disturb each other', async () => {
    const { blob, bytes } = watched(4 * MIB);
    const source = blobSource(blob);
    for (let at = 0; at < 4 * MIB; at += 2 * MIB) {
      const pieces = await Promise.all([source.slice(at, at + 2 * MIB), source.slice(at, at + 2 * MIB)]);
      for (const piece of pieces) expect(Buffer.compare(piece, bytes.subarray(at, at + 2 * MIB))).toBe(0);
      pieces.forEach(recycle);
    }
  });

  test('bytes given back are used for the next piece, and only those', async () => {
    const { blob } = watched(8 * MIB);
    const source = blobSource(blob);
    const kept = await source.slice(0, 2 * MIB);
    const copy = kept.slice();
    const given = await source.slice(2 * MIB, 4 * MIB);
    recycle(given.subarray(0)); // a part may be somebody else's
    expect(given.byteLength).toBe(2 * MIB);
    recycle(given);
    await source.slice(4 * MIB, 6 * MIB);
    expect(given.byteLength).toBe(0); // its buffer went on
    await source.slice(6 * MIB, 8 * MIB);
    expect(Buffer.compare(kept, copy)).toBe(0);
  });

  test('what is served out of a window is never taken for the next piece', async () => {
    const { blob, bytes } = watched(6 * MIB);
    const source = readAhead(blobSource(blob), MIB);
    const small = await source.slice(10, 100);
    recycle(small);
    await source.slice(MIB, 3 * MIB);
    await source.slice(3 * MIB, 5 * MIB);
    expect(small).toEqual(bytes.subarray(10, 100));
    expect(await source.slice(200, 300)).toEqual(bytes.subarray(200, 300));
  });

  test('small pieces are slices', async () => {
    const { blob, log } = watched(2 * MIB);
    await blobSource(blob).slice(5, 1000);
    expect(log).toEqual(['slice 5..1000']);
  });

  test('a platform whose streams take no buffers reads slices', async () => {
    const noBuffers = () => new ReadableStream({ start: (controller) => controller.close() });
    const { blob, bytes, log } = watched(2 * MIB, noBuffers);
    expect(Buffer.compare(await blobSource(blob).slice(0, MIB), bytes.subarray(0, MIB))).toBe(0);
    expect(log.at(-1)).toBe(`slice 0..${MIB}`);
  });

  test('a stream that ends too early, and one that fails, are a file that changed', async () => {
    const short = () => new Blob([new Uint8Array(10)]).stream();
    const failing = () =>
      new ReadableStream({
        type: 'bytes',
        pull: () => {
          throw new TypeError('network error');
        },
      });
    for (const stream of [short, failing]) {
      const { blob } = watched(2 * MIB, stream);
      await expect(blobSource(blob, 'a.bin').slice(0, MIB)).rejects.toMatchObject({ code: 'file-changed' });
    }
  });

  describe('that a lost stream never answers', () => {
    afterEach(() => void vi.useRealTimers());

    test('is read by slices after a while, and from then on', async () => {
      vi.useFakeTimers();
      const silent = () => new ReadableStream({ type: 'bytes', pull: () => new Promise(() => {}) });
      const { blob, bytes, log } = watched(3 * MIB, silent);
      const source = blobSource(blob);
      const [piece, behind] = [source.slice(0, MIB), source.slice(MIB, 2 * MIB)];
      await vi.advanceTimersByTimeAsync(11_000);
      expect(Buffer.compare(await piece, bytes.subarray(0, MIB))).toBe(0);
      expect(Buffer.compare(await behind, bytes.subarray(MIB, 2 * MIB))).toBe(0);
      await source.slice(2 * MIB, 3 * MIB);
      const slices = [0, 1, 2].map((i) => `slice ${i * MIB}..${(i + 1) * MIB}`);
      expect(log).toEqual(['stream from 0', ...slices]);
    });
  });
});

test('a file with rows in another order lets go of its streams as well', () => {
  let closed = 0;
  const source = { size: 64, slice: async () => new Uint8Array(64), close: () => void closed++ };
  reorderRows(source, [{ start: 0, end: 64, headRows: 4, rowBytes: 8 }]).close?.();
  expect(closed).toBe(1);
});
