/** What the shaders are told: the uniforms of merge.wgsl and fold.wgsl, word by word, and the codes that both sides use. */

import type { FloatDtype } from '../../core/dtype.ts';
import type { LowRankMatrices } from '../low-rank.ts';
import type { Arithmetic } from '../operands.ts';

/** As in dtypes.wgsl. */
const DTYPES: Record<FloatDtype, number> = { F32: 0, BF16: 1, F16: 2, F8_E4M3: 3, F8_E5M2: 4, F64: 5 };
/** As in merge.wgsl. */
const KINDS: Record<Arithmetic['kind'], number> = { convert: 0, difference: 1, add: 2, drop: 3 };

/** Bytes of either uniform, a multiple of 16. */
export const PARAMS_BYTES = 96;

/** What both begin with. The serial comes back with the results: it tells them from those of an earlier call. */
export interface Run {
  serial: number;
  elements: number;
}

/** @param inputs types of the inputs that the arithmetic looks at (operands.ts), in their order */
export function mergeParams(
  run: Run,
  arithmetic: Arithmetic,
  inputs: readonly FloatDtype[],
  out: FloatDtype,
  firstElement: number,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(PARAMS_BYTES / 4);
  const floats = new Float32Array(words.buffer);
  words.set([0, run.serial, run.elements, KINDS[arithmetic.kind]]);
  inputs.forEach((dtype, i) => {
    words[8 + i] = DTYPES[dtype];
  });
  words[22] = DTYPES[out];
  if (arithmetic.kind === 'convert' || arithmetic.kind === 'difference') return words;
  words[4] = arithmetic.vector === 'stored' ? 1 : 0;
  floats[20] = arithmetic.scale;
  if (arithmetic.kind === 'add') return words;
  // Counters may need 51 bits (core/philox.ts): two words, and the lower one may carry on the way.
  const counter = Math.floor(firstElement / 16) * 4;
  words.set([...arithmetic.stream.seed, ...arithmetic.stream.name], 12);
  words.set([counter % 2 ** 32, Math.floor(counter / 2 ** 32), firstElement % 16, arithmetic.threshold], 16);
  floats[21] = arithmetic.rescale;
  return words;
}

/** @param factorsAt where they begin, in words, in the buffer that holds them */
export function foldParams(
  run: Run,
  dtype: FloatDtype,
  matrices: LowRankMatrices,
  firstElement: number,
  factorsAt: number,
): Uint32Array<ArrayBuffer> {
  const { rank, width, scale, factors, transposed } = matrices;
  const words = new Uint32Array(PARAMS_BYTES / 4);
  words.set([0, run.serial, run.elements, DTYPES[dtype], rank, width, firstElement % width]);
  new Float32Array(words.buffer)[7] = scale;
  words.set([factors ? (transposed ? 2 : 1) : 0, factorsAt], 8);
  return words;
}
