/**
 * Arithmetic on runs of tensor elements, one interface with many backends. `reference.ts` is slow, plain and right; every other backend
 * must give the same bytes. Kernels know no files, recipes or roles: they get bytes and give bytes.
 */

import type { FloatDtype } from '../core/dtype.ts';
import type { MaskStream } from '../core/philox.ts';
import type { LowRankMatrices } from './low-rank.ts';

export type Backend = 'reference' | 'wasm' | 'webgpu';

/** What a person may ask for: a backend, or whichever is faster on this computer. */
export type BackendWish = Backend | 'auto';

/** Which backend runs, and why. */
export interface BackendChoice {
  backend: Backend;
  /**
   * 'asked' for by name; 'faster' by a measurement on this computer; 'no-gpu' there is no adapter; 'software-gpu' there is only one that
   * computes on the processor; 'differs' the GPU's arithmetic is not the oracle's, so it may not write files; 'failed' it could not be brought up.
   */
  why: 'asked' | 'faster' | 'no-gpu' | 'software-gpu' | 'differs' | 'failed';
  /** GB/s read and written, of those that were measured. */
  measured?: { wasm: number; webgpu: number };
  /** What the browser calls the graphics card, where it tells. */
  gpu?: string;
  /** Of 'differs' what differed first, of 'failed' what went wrong. */
  detail?: string;
}

/** Elements of one tensor, little-endian; `bytes.byteLength` = elements * size of dtype. */
export interface Elements<D extends FloatDtype = FloatDtype> {
  dtype: D;
  bytes: Uint8Array;
}

/**
 * All arithmetic is float32, every operation rounded by itself (no fused multiply-add), in the order written; then one rounding
 * (nearest, ties to even) to the output type. F64 inputs are rounded to float32 first. NaN results are written as the output type's
 * canonical quiet NaN (F32 0x7fc00000, F16 0x7e00, BF16 0x7fc0; core/dtype.ts). Scalars are rounded to float32 before use and must be
 * finite there (else RangeError).
 */
export type KernelOp =
  /** RESTA: out = sft + scale * (plus - minus). Inputs in this order: [sft, plus, minus]. arXiv 2402.11746 eq. 3. */
  | { kind: 'add-scaled-difference'; scale: number }
  /**
   * RESTA_d: out = (plus + kept) + scale * (plus - minus), kept = dropped ? 0 : (sft - plus) * (1 / (1 - rate)).
   * Inputs [sft, plus, minus]. The mask: maskWord(stream, element) < dropThreshold(rate) drops (core/philox.ts).
   * Rate 0 drops and rescales nothing, so sft stands as it is: exactly add-scaled-difference, without the detour over sft - plus.
   * arXiv 2402.11746 section 2.3; DARE is arXiv 2311.03099.
   */
  | { kind: 'drop-and-add-scaled-difference'; scale: number; rate: number; stream: MaskStream }
  /**
   * RESTA with a stored vector: out = sft + scale * vector. Inputs [sft, vector]. With the vector that `difference` gave in F32 these
   * are the bytes of add-scaled-difference.
   */
  | { kind: 'add-scaled'; scale: number }
  /**
   * RESTA_d with a stored vector: out = (base + kept) + scale * vector, kept = dropped ? 0 : (sft - base) * (1 / (1 - rate)). Inputs
   * [sft, base, vector]; mask and rate 0 as above (then base is not looked at). With the vector that `difference` gave in F32 from
   * [base, minus] these are the bytes of drop-and-add-scaled-difference.
   */
  | { kind: 'drop-and-add-scaled'; scale: number; rate: number; stream: MaskStream }
  /** The vector itself: out = plus - minus. Inputs [plus, minus]. */
  | { kind: 'difference' }
  /** Conversion alone: out = input, rounded once. Inputs [x]. */
  | { kind: 'convert' };

/**
 * What happened to the elements of one call, relative to the first input (after its own widening to float32); for `difference`, whose
 * inputs stand for each other, relative to zero: changed are those where plus and minus differ.
 */
export interface Counts {
  /** Elements whose stored output differs in value from the first input (or zero) rounded to the output type; -0 is 0 and NaN is NaN here. */
  changed: number;
  unchanged: number;
  /** Outputs that are NaN or infinite; in F8_E4M3, which has no infinity, also those that were too large and became the largest value. */
  nonFinite: number;
}

/** They take and give every float type, in any mixture. */
export interface Kernels {
  /** Of the last call that ended: a backend that loses its device goes on with another. */
  readonly backend: Backend;
  /** Calls worth having under way at once: 1 where the calling thread itself computes, more where something else does. */
  readonly parallel: number;
  /**
   * @param inputs all with the same number of elements, at any alignment; dtypes may differ
   * @param out    written whole; may be the very bytes of an input of the same dtype, otherwise must not overlap one
   * @param firstElement index of the run's first element inside its tensor (for the mask); any non-negative integer
   */
  apply(op: KernelOp, inputs: readonly Elements[], out: Elements, firstElement: number): Counts | Promise<Counts>;
  /**
   * A run of base weights with a LoRA folded in: base + scale * B @ A, times the factors where there are any; float32, every operation
   * rounded by itself, sums over the rank in ascending order from +0 (low-rank.ts). NaN is canonical.
   * @param firstElement index of the run's first element inside its tensor
   */
  foldLowRank(
    base: Elements,
    matrices: LowRankMatrices,
    firstElement: number,
  ): Elements<'F32'> | Promise<Elements<'F32'>>;
}
