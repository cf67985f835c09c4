/**
 * Large reads of a file without garbage: streams of its slices, read into buffers that are used again. Slices alone (`slice().arrayBuffer()`)
 * leave a new buffer per read and 0.7 to 0.9 GB of them before they are collected; this keeps a merge within a few buffers, at half the CPU
 * and 1.2 to 2 times the speed where one read begins at the end of the last.
 */

import { withinTime } from '../core/time.ts';

/** Open streams of one file: a merge reads it at one or two places at a time (an adapter and its base share a file). */
const MOST_CURSORS = 3;
/** A read this slow is believed lost (below); a disk so slow only pays for reading those bytes again. */
const STALL_MS = 10_000;
/** Buffers kept for the next reads: as many as four shards have on their way. */
const MOST_SPARES = 24;
/** Read over rather than begin anew: a stream costs some 5 ms, the norms between two large tensors are a few kilobytes. */
const SKIPPED_BYTES = 1 << 18;

interface Cursor {
  stream: ReadableStream<Uint8Array>;
  reader: ReadableStreamBYOBReader;
  /** Where the next read begins, when all that were asked for have ended. */
  at: number;
  /** Reads asked for that have not ended; the last of them. */
  pending: number;
  last: Promise<unknown>;
}

/**
 * Cursors with a read on its way. Chromium loses a pending BYOB read of a file when nothing but that read refers to the stream: garbage
 * collection takes the stream, and the promise never settles.
 */
const reading = new Set<Cursor>();

const spares: ArrayBuffer[] = [];
/** By the very array handed out: another part of its buffer (`subarray`) may be somebody else's and cannot be recycled. */
const lent = new WeakSet<Uint8Array>();

/** Gives bytes back that nobody looks at any more, for the next large read. Does nothing with bytes that are not from one. */
export function recycle(bytes: Uint8Array): void {
  if (!lent.delete(bytes)) return;
  if (spares.length < MOST_SPARES) spares.push(bytes.buffer as ArrayBuffer);
}

function buffer(length: number): ArrayBuffer {
  const fitting = spares.findIndex((spare) => spare.byteLength >= length && spare.byteLength <= 2 * length);
  // None fits: sizes have changed, and the oldest makes room for the new.
  if (fitting < 0) spares.length >= MOST_SPARES && spares.shift();
  // With room for what may be read over, so that the next piece fits too.
  return fitting < 0 ? new ArrayBuffer(length + SKIPPED_BYTES) : spares.splice(fitting, 1)[0]!;
}

/** What a read gives: bytes, 'short' when the file ends too early, 'unable' when slices have to do. */
type StreamedRead = Uint8Array | 'short' | 'unable';

interface StreamedReads {
  /** Bytes [start, end). Rejects with what the platform throws ('network error' for a file that changed). */
  read(start: number, end: number): Promise<StreamedRead>;
  /** Ends the streams that are not being read: until then each keeps megabytes that the browser has read ahead. */
  close(): void;
}

export function streamedReads(blob: Blob): StreamedReads {
  const cursors: Cursor[] = [];
  let unable = false;

  const drop = (cursor: Cursor) => {
    const index = cursors.indexOf(cursor);
    if (index >= 0) cursors.splice(index, 1);
    void cursor.reader.cancel().catch(() => {}); // what is not read any more may fail as it likes
  };
  const cursorAt = (start: number): Cursor | undefined => {
    const near = cursors.filter(({ at }) => at <= start && start - at <= SKIPPED_BYTES);
    if (near.length > 0) return near.reduce((a, b) => (b.at > a.at ? b : a));
    const idle = cursors.find((cursor) => cursor.pending === 0);
    if (cursors.length >= MOST_CURSORS && idle) drop(idle);
    const stream = blob.slice(start).stream();
    try {
      const reader = stream.getReader({ mode: 'byob' });
      const cursor: Cursor = { stream, reader, at: start, pending: 0, last: Promise.resolve() };
      cursors.push(cursor);
      return cursor;
    } catch {
      return undefined; // streams of this platform take no buffers
    }
  };

  const read = async (start: number, end: number): Promise<StreamedRead> => {
    const cursor = unable ? undefined : cursorAt(start);
    if (!cursor) {
      unable = true;
      return 'unable';
    }
    const skipped = start - cursor.at;
    const length = end - cursor.at;
    cursor.at = end;
    cursor.pending++;
    reading.add(cursor);
    // One read after the other: each may take several turns of the reader.
    const mine = cursor.last.then(() => withinTime(fill(cursor.reader, buffer(length), length), STALL_MS));
    cursor.last = mine.catch(() => {}); // whoever waits behind it meets the same stream
    try {
      const got = await mine;
      if (got === undefined) unable = true;
      if (unable || got!.byteLength < length || end === blob.size) drop(cursor);
      if (got === undefined || unable) return 'unable'; // also what waited behind a read that was lost
      if (got.byteLength < length) return 'short';
      const bytes = got.subarray(skipped);
      lent.add(bytes);
      return bytes;
    } catch (error) {
      drop(cursor);
      throw error;
    } finally {
      cursor.pending--;
      if (cursor.pending === 0) reading.delete(cursor);
    }
  };
  return {
    read,
    close() {
      for (const cursor of [...cursors]) if (cursor.pending === 0) drop(cursor);
    },
  };
}

/** `min` spares round trips where it is known; elsewhere a read may bring less than asked for. */
async function fill(reader: ReadableStreamBYOBReader, into: ArrayBuffer, length: number): Promise<Uint8Array> {
  let bytes = new Uint8Array(into, 0, 0);
  for (let filled = 0; filled < length; filled = bytes.byteLength) {
    const rest = new Uint8Array(bytes.buffer, filled, length - filled);
    const { value, done } = await reader.read(rest, { min: length - filled });
    if (!value) break;
    bytes = new Uint8Array(value.buffer, 0, filled + value.byteLength);
    if (done) break;
  }
  return bytes;
}
