/** The output side of a running merge: gathers pieces into large writes, hashes them while they are on their way, closes the shard. */

import type { OutputBlob, OutputFile } from '../../files/output/writer.ts';
import { openSha256, type Sha256 } from '../../files/sha256.ts';

export interface Sink {
  /** Room for the next `length` bytes; they count as written once `reserve`, `put` or `close` is called again. At most `capacity`. */
  reserve(length: number): Promise<Uint8Array>;
  put(bytes: Uint8Array): Promise<void>;
  /** Commits the file; its hash is of exactly the bytes written. */
  close(): Promise<OutputBlob & { sha256: string }>;
  /** Lets the write under way end, then takes the file away. */
  abort(): Promise<void>;
}

/** Two buffers of `capacity` bytes: one is filled while the other is written. */
export async function openSink(file: OutputFile, capacity: number): Promise<Sink> {
  const hash: Sha256 = await openSha256();
  const buffers = [new Uint8Array(capacity), new Uint8Array(capacity)];
  let current = 0;
  let filled = 0;
  let position = 0;
  let writing: Promise<void> = Promise.resolve();

  const flush = async () => {
    if (filled === 0) return;
    const bytes = buffers[current]!.subarray(0, filled);
    await writing;
    writing = file.write(position, bytes);
    writing.catch(() => {}); // told at the next await
    hash.update(bytes);
    position += filled;
    filled = 0;
    current = 1 - current;
  };
  const reserve = async (length: number) => {
    if (filled + length > capacity) await flush();
    const room = buffers[current]!.subarray(filled, filled + length);
    if (room.length !== length) throw new RangeError(`${length} bytes do not fit into ${capacity}`);
    filled += length;
    return room;
  };

  return {
    reserve,
    async put(bytes) {
      for (let at = 0; at < bytes.length; at += capacity) {
        const piece = bytes.subarray(at, at + capacity);
        (await reserve(piece.length)).set(piece);
      }
    },
    async close() {
      await flush();
      await writing;
      return { ...(await file.close()), sha256: hash.hex() };
    },
    async abort() {
      await writing.catch(() => {});
      await file.abort();
    },
  };
}
