/**
 * SHA-256 of files while they are written: several at once, because four streams together cost little more than two alone (assembly/). Pieces
 * are therefore gathered for a moment until other files have theirs.
 */

import { hexOf, paddedTail, sha256 } from '../sha256.ts';
import { type HashModule, initialState, loadHashModule, type Part, PIECE_BYTES } from './module.ts';

/** Hashes of files, in this thread or another. */
export interface Hasher {
  open(): FileHash;
}

export interface FileHash {
  /**
   * The next bytes of the file. Their buffer is handed over and must not be touched until it comes back, hashed, with the promise; it may be
   * another object then.
   */
  update(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>;
  /** Lower-case hex, when all that was handed over is hashed. Ends the hash. */
  hex(): Promise<string>;
  /** Gives it up. */
  abandon(): void;
}

/** The readable one, byte by byte in TypeScript: for tests and small files. */
export const plainHasher: Hasher = {
  open() {
    const hash = sha256();
    return {
      update: async (bytes) => {
        hash.update(bytes);
        return bytes.buffer;
      },
      hex: async () => hash.hex(),
      abandon: () => {},
    };
  },
};

const BLOCK = 64;
const LANES = 4;
/** A piece waits no longer than this for others. Four files of one merge bring 4 MiB each in about 70 ms. */
const GATHER_MS = 250;
/** Pieces of one file that wait: with this many its writer has no more buffers (merge/run/sink.ts). */
const PRESSING = 3;

interface Waiting {
  bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of it that are hashed. */
  done: number;
  settle(buffer: ArrayBuffer): void;
}

interface Stream {
  state: Int32Array;
  waiting: Waiting[];
  /** Bytes handed over since the last whole block. */
  rest: Uint8Array;
  held: number;
  total: number;
}

/** @param source the compiled module; by default fetched from this page's own origin. @throws AppError 'backend-unavailable' */
export async function openHasher(source?: BufferSource): Promise<Hasher> {
  return hasherOf(await loadHashModule(source));
}

export function hasherOf(module: HashModule): Hasher {
  const streams = new Set<Stream>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const pump = (all: boolean) => {
    for (;;) {
      const ready = [...streams].filter((stream) => hasBlocks(module, stream));
      const together = Math.min(LANES, streams.size);
      const pressing = ready.some((stream) => stream.waiting.length >= PRESSING);
      if (ready.length === 0 || (ready.length < together && !pressing && !all)) break;
      step(module, ready.sort((a, b) => b.waiting.length - a.waiting.length).slice(0, LANES));
    }
    clearTimeout(timer);
    timer = undefined;
    if ([...streams].some((stream) => stream.waiting.length > 0)) timer = setTimeout(pump, GATHER_MS, true);
  };

  return {
    open() {
      const stream: Stream = { state: initialState(), waiting: [], rest: new Uint8Array(BLOCK), held: 0, total: 0 };
      streams.add(stream);
      return {
        update: (bytes) =>
          new Promise((settle) => {
            stream.total += bytes.byteLength;
            stream.waiting.push({ bytes, done: 0, settle });
            pump(false);
          }),
        async hex() {
          while (hasBlocks(module, stream)) step(module, [stream]);
          streams.delete(stream);
          pump(false); // the others need not wait for this one any more
          return digest(module, stream);
        },
        abandon() {
          streams.delete(stream);
          pump(false);
        },
      };
    },
  };
}

/** Whether whole blocks wait to be hashed. What fills no block, or the block that an earlier piece began, is dealt with on the way. */
function hasBlocks(module: HashModule, stream: Stream): boolean {
  while (stream.waiting.length > 0 && (stream.held > 0 || left(stream) < BLOCK)) keepRest(module, stream);
  return stream.waiting.length > 0;
}

/** As many bytes of each stream's first piece as all of them have. */
function step(module: HashModule, streams: readonly Stream[]): void {
  const bytes = Math.min(PIECE_BYTES, ...streams.map((stream) => left(stream) - (left(stream) % BLOCK)));
  const parts = streams.map((stream): Part => ({ state: stream.state, bytes: front(stream) }));
  module.compress(parts, bytes);
  for (const stream of streams) advance(stream, bytes);
}

const left = ({ waiting: [first] }: Stream) => first!.bytes.byteLength - first!.done;
const front = ({ waiting: [first] }: Stream) => first!.bytes.subarray(first!.done);

/** Takes what belongs to a block that is not whole yet. */
function keepRest(module: HashModule, stream: Stream): void {
  const taken = Math.min(BLOCK - stream.held, left(stream));
  stream.rest.set(front(stream).subarray(0, taken), stream.held);
  stream.held += taken;
  if (stream.held === BLOCK) {
    module.compress([{ state: stream.state, bytes: stream.rest }], BLOCK);
    stream.held = 0;
  }
  advance(stream, taken);
}

function advance(stream: Stream, bytes: number): void {
  const [first] = stream.waiting;
  first!.done += bytes;
  if (first!.done < first!.bytes.byteLength) return;
  stream.waiting.shift();
  first!.settle(first!.bytes.buffer);
}

function digest(module: HashModule, { state, rest, held, total }: Stream): string {
  const tail = paddedTail(rest.subarray(0, held), total);
  module.compress([{ state, bytes: tail }], tail.length);
  return hexOf(state);
}
