/**
 * The matrices of a LoRA on the device. What lies across every line is uploaded once and stays while it is in use; of the lines goes with
 * every call what it needs.
 */

import type { LowRankMatrices } from '../low-rank.ts';
import { LANE_BYTES } from './lanes.ts';

/** Three models with an adapter each take turns, tensor by tensor; beyond this many bytes the one unused for longest goes. */
const KEPT_BYTES = 256 * 2 ** 20;
/** Turned and uploaded at a time, so that no second copy of a large matrix is made here. */
const SLAB_BYTES = 2 ** 20;
/** Multiply-adds of a run: some 30 ms on the slowest cards in use; systems take a run of two seconds for a hang and reset the card. */
const RUN_PRODUCTS = 2 ** 26;

export class FoldMatrices {
  readonly #device: GPUDevice;
  /** In the order of their last use. */
  readonly #kept = new Map<LowRankMatrices, GPUBuffer>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * @returns the bytes of the lines that this run touches, then their factors where there is one per line; the buffer of what lies across,
   *   then its factors; and where the factors begin, in words
   */
  upload(
    matrices: LowRankMatrices,
    firstElement: number,
    elements: number,
  ): { lines: Uint8Array; across: GPUBuffer; factorsAt: number } {
    const { rank, width, factors, transposed } = matrices;
    const across = this.#across(matrices);
    const from = Math.floor(firstElement / width);
    const to = Math.floor((firstElement + elements - 1) / width) + 1;
    const needed = matrices.lines.subarray(from * rank, to * rank);
    if (!factors || transposed) return { lines: asBytes(needed), across, factorsAt: width * rank };
    const lines = new Float32Array(needed.length + to - from);
    lines.set(needed);
    lines.set(factors.subarray(from, to), needed.length);
    return { lines: asBytes(lines), across, factorsAt: needed.length };
  }

  #across(matrices: LowRankMatrices): GPUBuffer {
    const kept = this.#kept.get(matrices);
    this.#kept.delete(matrices);
    const buffer = kept ?? this.#uploadAcross(matrices);
    this.#kept.set(matrices, buffer);
    this.#forget();
    return buffer;
  }

  #forget(): void {
    let bytes = 0;
    for (const [matrices, buffer] of [...this.#kept].reverse()) {
      bytes += buffer.size;
      if (bytes <= KEPT_BYTES || bytes === buffer.size) continue;
      this.#kept.delete(matrices);
      buffer.destroy(); // runs that were submitted with it still end
    }
  }

  /** [width, rank] as [rank, width]; the factors of a transposed weight after it. */
  #uploadAcross(matrices: LowRankMatrices): GPUBuffer {
    const { across, rank, width, factors, transposed } = matrices;
    const buffer = this.#device.createBuffer({
      size: acrossBytes(matrices),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    const rows = Math.max(1, Math.floor(SLAB_BYTES / (4 * width)));
    for (let first = 0; first < rank; first += rows) {
      const slab = new Float32Array(Math.min(rows, rank - first) * width);
      for (let i = 0; i < slab.length; i++) slab[i] = across[(i % width) * rank + first + Math.floor(i / width)]!;
      this.#device.queue.writeBuffer(buffer, first * width * 4, slab);
    }
    if (factors && transposed) this.#device.queue.writeBuffer(buffer, width * rank * 4, asBytes(factors));
    return buffer;
  }
}

/** Elements of a run that is short enough, and whose lines, with a factor each, fit a lane; 0 where even two lines do not. */
export function foldElements({ rank, width }: LowRankMatrices): number {
  const lines = Math.floor(LANE_BYTES / (4 * (rank + 1)));
  return Math.min(Math.max(0, lines - 1) * width, Math.floor(RUN_PRODUCTS / rank));
}

export function acrossBytes({ rank, width, factors, transposed }: LowRankMatrices): number {
  return 4 * (rank * width + (factors && transposed ? width : 0));
}

function asBytes(floats: Float32Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(floats.buffer as ArrayBuffer, floats.byteOffset, floats.byteLength);
}
