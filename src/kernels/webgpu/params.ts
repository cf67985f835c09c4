/** What the shaders are told: the constants of a pipeline and the uniforms of a run, of merge.wgsl and fold.wgsl. */

import type { FloatDtype } from '../../core/dtype.ts';
import type { LowRankMatrices } from '../low-rank.ts';
import type { Arithmetic } from '../operands.ts';

/** As in dtypes.wgsl. */
const DTYPES: Record<FloatDtype, number> = { F32: 0, BF16: 1, F16: 2, F8_E4M3: 3, F8_E5M2: 4, F64: 5 };
/** As in merge.wgsl. */
const KINDS: Record<Arithmetic['kind'], number> = { convert: 0, difference: 1, add: 2, drop: 3 };

/** Bytes of either uniform, a multiple of 16. */
export const PARAMS_BYTES = 64;

/** A pipeline's constants by their names in the shader. */
export type Constants = Record<string, number>;

/** What both uniforms begin with. The serial comes back with the results: it tells them from those of an earlier run. */
export interface Run {
  serial: number;
  elements: number;
}

/** @param inputs types of the inputs that the arithmetic looks at (operands.ts), in their order */
export function mergeConstants(arithmetic: Arithmetic, inputs: readonly FloatDtype[], out: FloatDtype): Constants {
  const [firstType, secondType = 0, thirdType = 0] = inputs.map((dtype) => DTYPES[dtype]);
  return {
    kind: KINDS[arithmetic.kind],
    vectorIsStored: 'vector' in arithmetic && arithmetic.vector === 'stored' ? 1 : 0,
    firstType: firstType!,
    secondType,
    thirdType,
    outType: DTYPES[out],
  };
}

export function mergeParams(run: Run, arithmetic: Arithmetic, firstElement: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(PARAMS_BYTES / 4);
  const floats = new Float32Array(words.buffer);
  words.set([0, run.serial, run.elements]);
  if (arithmetic.kind === 'convert' || arithmetic.kind === 'difference') return words;
  floats[11] = arithmetic.scale;
  if (arithmetic.kind === 'add') return words;
  // Counters may need 51 bits (core/philox.ts): two words, and the lower one may carry on the way.
  const counter = Math.floor(firstElement / 16) * 4;
  words[3] = firstElement % 16;
  words.set([...arithmetic.stream.seed, ...arithmetic.stream.name], 4);
  words.set([counter % 2 ** 32, Math.floor(counter / 2 ** 32), arithmetic.threshold], 8);
  floats[12] = arithmetic.rescale;
  return words;
}

export function foldConstants(base: FloatDtype, { factors, transposed }: LowRankMatrices): Constants {
  return { baseType: DTYPES[base], factors: factors ? (transposed ? 2 : 1) : 0 };
}

/** @param factorsAt where they begin, in words, in the buffer that holds them */
export function foldParams(
  run: Run,
  { rank, width, scale }: LowRankMatrices,
  firstElement: number,
  factorsAt: number,
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(PARAMS_BYTES / 4);
  words.set([0, run.serial, run.elements, rank, width, firstElement % width]);
  new Float32Array(words.buffer)[6] = scale;
  words[7] = factorsAt;
  return words;
}
