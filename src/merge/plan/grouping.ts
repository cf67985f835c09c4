/** Which tensor goes into which file. A function of the tensors and the recipe alone: the bytes of an output do not depend on the computer. */

import { dtypeBytes } from '../../core/dtype.ts';
import { elementCount, type TensorInfo } from '../../core/tensor.ts';

/**
 * A browser commits a file by reading it once more, slowly and on one thread (110 MB/s, bench io), but several files at the same time: a model
 * in sixteen files is written three times as fast as in one. Below 128 MB nothing is gained; above 2 GB files are unhandy elsewhere.
 */
const FILES = 16;
const SMALLEST = 128_000_000;
const LARGEST = 2_000_000_000;

/** Bytes of a file when the recipe does not say. */
export function usualShardBytes(tensors: readonly TensorInfo[]): number {
  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  return Math.min(LARGEST, Math.max(SMALLEST, Math.ceil(total / FILES)));
}

/** Fills one file after the other; a tensor larger than `shardBytes` gets one of its own. */
export function groupTensors<T extends TensorInfo>(tensors: readonly T[], shardBytes: number): T[][] {
  const groups: T[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    const bytes = tensorBytes(tensor);
    if (filled > 0 && filled + bytes > shardBytes) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)!.push(tensor);
    filled += bytes;
  }
  return groups;
}

const tensorBytes = ({ dtype, shape }: TensorInfo) => elementCount(shape) * dtypeBytes(dtype);
