/** Bytes in: the two-member thing that everything that reads takes. Knows nothing of formats. */

import { AppError } from '../core/errors.ts';
import { streamedReads } from './stream.ts';

export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /** Bytes [start, end); the caller stays inside [0, size]. Rejects with AppError 'file-changed' or 'file-unreadable'. */
  slice(start: number, end: number): Promise<Uint8Array>;
  /**
   * The same at once, while this thread waits: only where the platform can (in workers), for callers that cannot wait. Throws as `slice`
   * rejects.
   */
  sliceNow?(start: number, end: number): Uint8Array;
  /** Lets go of what is held for the next reads: whoever reads much says so when done. Reading on opens it again. */
  close?(): void;
}

/** From here on a stream is worth its round trip; small reads are served by `readAhead` or are few. */
const STREAMED_BYTES = 1 << 20;

/**
 * Bytes of a Blob or File, read piece by piece. Large pieces come through streams, in buffers that can be given back (`recycle` in stream.ts).
 * @param path what messages call it
 */
export function blobSource(blob: Blob, path = 'the file'): ByteSource {
  const streams = streamedReads(blob);
  const sliced = async (start: number, end: number) => new Uint8Array(await blob.slice(start, end).arrayBuffer());
  return {
    size: blob.size,
    async slice(start, end) {
      checkRange(start, end, blob.size);
      try {
        const large = end - start >= STREAMED_BYTES ? await streams.read(start, end) : 'unable';
        const bytes = large === 'unable' ? await sliced(start, end) : large;
        // Some platforms give a short answer instead of an error when a file shrank after it was picked.
        if (bytes === 'short' || bytes.byteLength !== end - start) throw changed(path);
        return bytes;
      } catch (error) {
        throw readError(error, path);
      }
    },
    ...(typeof FileReaderSync === 'undefined' ? {} : { sliceNow: (start, end) => sliceNow(blob, path, start, end) }),
    close: streams.close,
  };
}

function sliceNow(blob: Blob, path: string, start: number, end: number): Uint8Array {
  checkRange(start, end, blob.size);
  try {
    const bytes = new Uint8Array(new FileReaderSync().readAsArrayBuffer(blob.slice(start, end)));
    if (bytes.byteLength !== end - start) throw changed(path);
    return bytes;
  } catch (error) {
    throw readError(error, path);
  }
}

/** Bytes already in memory. Slices are copies, as they are for files. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    async slice(start, end) {
      checkRange(start, end, bytes.byteLength);
      return bytes.slice(start, end);
    },
    sliceNow(start, end) {
      checkRange(start, end, bytes.byteLength);
      return bytes.slice(start, end);
    },
  };
}

/**
 * Serves small reads out of larger ones: a small tensor costs a round trip, and checkpoints have hundreds of them side by side.
 * Reads of `window` bytes and more pass through. Results may share memory with each other.
 */
export function readAhead(source: ByteSource, window: number): ByteSource {
  let from = 0;
  let to = 0;
  let held: Promise<Uint8Array> = Promise.resolve(new Uint8Array(0));
  return {
    size: source.size,
    async slice(start, end) {
      if (end - start >= window) return source.slice(start, end);
      if (start < from || end > to) {
        // On borders of the window: tensors are seldom asked for in the order of the file, and going back must find the same bytes.
        from = Math.floor(start / window) * window;
        to = Math.min(source.size, Math.max(from + window, end));
        held = source.slice(from, to);
      }
      const offset = start - from;
      return (await held).subarray(offset, offset + end - start);
    },
    close: () => source.close?.(),
  };
}

/** What the platform throws while reading, in words for people; anything unknown (and a cancel) passes through untouched. */
export function readError(error: unknown, path: string): unknown {
  if (!(error instanceof Error || error instanceof DOMException)) return error;
  switch (error.name) {
    case 'NotReadableError':
    // Chromium's streams say TypeError "network error" where slices say NotReadableError.
    case 'TypeError':
      return changed(path, error);
    case 'NotFoundError':
      return new AppError(
        'file-unreadable',
        `${path} is no longer there.`,
        'Put the file back, or open the folder again.',
        {
          file: path,
          cause: error.message,
        },
      );
    case 'NotAllowedError':
    case 'SecurityError':
      return new AppError(
        'file-unreadable',
        `The browser may not read ${path}.`,
        'Open the folder again and allow reading.',
        {
          file: path,
          cause: error.message,
        },
      );
    default:
      return error;
  }
}

function changed(path: string, cause?: Error): AppError {
  return new AppError(
    'file-changed',
    `${path} changed or became unreadable after it was opened.`,
    'Open the folder again.',
    {
      file: path,
      ...(cause ? { cause: cause.message } : {}),
    },
  );
}

function checkRange(start: number, end: number, size: number): void {
  if (!(start >= 0 && start <= end && end <= size)) throw new RangeError(`slice ${start}..${end} of ${size} bytes`);
}
