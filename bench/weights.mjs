/** The weight files of a model's folder, for the benchmarks: which there are, how large, into the page cache, and whether two hold the same. */

import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of the safetensors files, sorted. */
export function weightFiles(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  return names.sort().map((name) => join(folder, name));
}

/** Bytes of all weight files, headers included. */
export const weightBytes = (folder) => weightFiles(folder).reduce((sum, file) => sum + statSync(file).size, 0);

const PIECE = Buffer.alloc(8 << 20);

/** Every piece of [from, to) of an open file, in a buffer that the next piece overwrites. */
function* pieces(file, from, to) {
  for (let at = from; at < to; ) {
    const count = readSync(file, PIECE, 0, Math.min(PIECE.length, to - at), at);
    if (count === 0) throw new Error(`A file ends at ${at}, not at ${to}.`);
    yield PIECE.subarray(0, count);
    at += count;
  }
}

/** Reads all of it once, so that the system keeps it in memory if it can. */
export function warm(folder) {
  for (const path of weightFiles(folder)) {
    const file = openSync(path, 'r');
    for (const _ of pieces(file, 0, statSync(path).size));
    closeSync(file);
  }
}

function tensorsIn(path) {
  const file = openSync(path, 'r');
  const length = Buffer.alloc(8);
  readSync(file, length, 0, 8, 0);
  const bytes = Number(length.readBigUInt64LE());
  const text = Buffer.alloc(bytes);
  readSync(file, text, 0, bytes, 8);
  closeSync(file);
  const { __metadata__, ...tensors } = JSON.parse(text.toString());
  return Object.entries(tensors).map(
    ([
      name,
      {
        dtype,
        data_offsets: [start, end],
      },
    ]) => ({
      name,
      dtype,
      path,
      start: 8 + bytes + start,
      end: 8 + bytes + end,
    }),
  );
}

/** SHA-256 of names, types and values of all tensors by name: the same however they are spread over files. */
export function tensorDigest(folder) {
  const hash = createHash('sha256');
  const tensors = weightFiles(folder).flatMap(tensorsIn);
  tensors.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, dtype, path, start, end } of tensors) {
    hash.update(`${name} ${dtype} ${end - start}\n`);
    const file = openSync(path, 'r');
    for (const piece of pieces(file, start, end)) hash.update(piece);
    closeSync(file);
  }
  return hash.digest('hex');
}
