/** What a tensor is called and where its bytes lie. Never the bytes themselves. */

import type { Dtype } from './dtype.ts';

export interface TensorInfo {
  name: string;
  dtype: Dtype;
  /** Row-major; `[]` is a scalar. */
  shape: number[];
}

export interface TensorRef extends TensorInfo {
  /** Path of the file inside its folder, e.g. "model-00001-of-00003.safetensors". */
  source: string;
  /** First byte in that file. */
  start: number;
  /** One past the last byte. */
  end: number;
}

/** Product of the dimensions; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
