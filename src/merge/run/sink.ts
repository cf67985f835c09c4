/**
 * The output side of a running merge: gathers pieces into large writes, which go out one after the other, hashes what was written, closes the
 * shard. Nobody waits but for room: computing, writing and hashing are each at another buffer.
 */

import type { FileHash, Hasher } from '../../files/hash/hasher.ts';
import type { OutputBlob, OutputFile } from '../../files/output/writer.ts';

export interface Sink {
  /** Room for the next `length` bytes, at most `capacity`. They are written when the next piece finds no room behind them, or at `close`. */
  reserve(length: number): Promise<Uint8Array>;
  /** The room that was reserved last is filled when this resolves; unless this is said it is filled before the next call. */
  filledBy(work: Promise<unknown>): void;
  put(bytes: Uint8Array): Promise<void>;
  /** Commits the file; its hash is of exactly the bytes written. */
  close(): Promise<OutputBlob & { sha256: string }>;
  /** Lets the write under way end, then takes the file away. */
  abort(): Promise<void>;
}

/** One is filled, one is written, two wait to be hashed together with those of other shards. */
const BUFFERS = 4;

interface Batch {
  buffer: ArrayBuffer;
  filled: number;
  works: Promise<unknown>[];
}

export function openSink(file: OutputFile, capacity: number, hasher: Hasher): Sink {
  const hash: FileHash = hasher.open();
  const room = openRoom(capacity);
  let batch: Batch | undefined;
  let position = 0;
  let writing: Promise<void> = Promise.resolve();
  let hashing: Promise<unknown> = Promise.resolve();

  const write = async ({ buffer, filled, works }: Batch, at: number, before: Promise<void>) => {
    await Promise.all([before, ...works]);
    const bytes = new Uint8Array(buffer, 0, filled);
    await file.write(at, bytes);
    hashing = hash.update(bytes).then(room.give, room.fail);
  };
  const flush = () => {
    if (!batch) return;
    const flushed = batch;
    batch = undefined;
    writing = write(flushed, position, writing);
    writing.catch(room.fail);
    position += flushed.filled;
  };
  const reserve = async (length: number) => {
    if (length > capacity) throw new RangeError(`${length} bytes do not fit into ${capacity}`);
    if (batch && batch.filled + length > capacity) flush();
    batch ??= { buffer: await room.take(), filled: 0, works: [] };
    const place = new Uint8Array(batch.buffer, batch.filled, length);
    batch.filled += length;
    return place;
  };

  return {
    reserve,
    filledBy(work) {
      batch!.works.push(work);
    },
    async put(bytes) {
      for (let at = 0; at < bytes.length; at += capacity) {
        const piece = bytes.subarray(at, at + capacity);
        (await reserve(piece.length)).set(piece);
      }
    },
    async close() {
      flush();
      await writing;
      await hashing;
      room.check();
      room.leave(); // the browser's closing takes seconds
      const [closed, sha256] = await Promise.all([file.close(), hash.hex()]);
      return { ...closed, sha256 };
    },
    async abort() {
      hash.abandon();
      await writing.catch(() => {});
      await file.abort();
    },
  };
}

interface Room {
  /** Rejects once writing or hashing has failed: nothing comes back any more. */
  take(): Promise<ArrayBuffer>;
  give(buffer: ArrayBuffer): void;
  fail(reason: unknown): void;
  check(): void;
  /** When all buffers are back: the next shard takes them. */
  leave(): void;
}

/** Buffers of shards that are written, for the next ones: garbage of this size would lie about for seconds. */
const spares: ArrayBuffer[] = [];
/** As many as four shards use. */
const MOST_SPARES = 16;

/** The buffers, made when first needed; whoever finds none waits for the next that comes back. */
function openRoom(capacity: number): Room {
  const free: ArrayBuffer[] = [];
  let made = 0;
  let failure: { reason: unknown } | undefined;
  let waiting: { resolve(buffer: ArrayBuffer): void; reject(reason: unknown): void } | undefined;
  const check = () => {
    if (failure) throw failure.reason;
  };
  return {
    async take() {
      check();
      const buffer = free.pop();
      if (buffer) return buffer;
      if (made++ < BUFFERS) return spareOf(capacity) ?? new ArrayBuffer(capacity);
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    },
    give(buffer) {
      if (waiting) waiting.resolve(buffer);
      else free.push(buffer);
      waiting = undefined;
    },
    fail(reason) {
      failure ??= { reason };
      waiting?.reject(reason);
    },
    check,
    leave() {
      spares.push(...free.splice(0, Math.max(0, MOST_SPARES - spares.length)));
    },
  };
}

function spareOf(capacity: number): ArrayBuffer | undefined {
  const fitting = spares.findIndex(({ byteLength }) => byteLength === capacity);
  return fitting < 0 ? undefined : spares.splice(fitting, 1)[0];
}
