/** One weight file of a checkpoint, and how to tell later that it is still the same file. */

import { sha256 } from './sha256.ts';
import type { ByteSource } from './source.ts';

/** Plain data, structured-cloneable. */
export interface CheckpointShard {
  file: string;
  bytes: number;
  /** Length of what tells where the tensors lie: a header, or what `headerRanges` lists. */
  headerBytes: number;
  /** SHA-256 of these bytes. */
  headerSha256: string;
  /** Bytes [start, end) of the file, in this order, where they are not its first `headerBytes`. */
  headerRanges?: [start: number, end: number][];
}

/** Reads and hashes the bytes that tell where the tensors lie. */
export async function describeShard(
  source: ByteSource,
  file: string,
  headerRanges: [start: number, end: number][],
): Promise<CheckpointShard> {
  const headerBytes = headerRanges.reduce((sum, [start, end]) => sum + end - start, 0);
  const headerSha256 = await hashRanges(source, headerRanges);
  return { file, bytes: source.size, headerBytes, headerSha256, headerRanges };
}

/** What `shard.headerSha256` is if the file is unchanged; its size is to be compared first, or the ranges may lie outside. */
export async function headerOf(source: ByteSource, shard: CheckpointShard): Promise<string> {
  return hashRanges(source, shard.headerRanges ?? [[0, shard.headerBytes]]);
}

async function hashRanges(source: ByteSource, ranges: readonly [number, number][]): Promise<string> {
  const hash = sha256();
  for (const [start, end] of ranges) hash.update(await source.slice(start, end));
  return hash.hex();
}
