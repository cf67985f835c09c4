/** The inputs of a merge as the plan sees them: which bytes hold the weights of a role, whether a whole model or an adapter on one. */

import type { Dtype } from '../core/dtype.ts';
import type { TensorInfo, TensorRef } from '../core/tensor.ts';
import type { Adapter } from '../files/adapter.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import type { Role } from './recipe.ts';

/** `sft` and `unaligned` may be adapters on top of `aligned`. */
export interface MergeCheckpoints {
  sft?: Checkpoint | Adapter;
  aligned?: Checkpoint;
  unaligned?: Checkpoint | Adapter;
  /** Saved earlier; stands for aligned − unaligned. */
  vector?: Checkpoint;
}

export function isAdapterInput(input: Checkpoint | Adapter): input is Adapter {
  return 'targets' in input;
}

/** Bytes [start, end) of a file of the folder that plays `role`. */
export interface InputRange {
  role: Role;
  file: string;
  dtype: Dtype;
  start: number;
  end: number;
}

/** dW = scale * B @ A, to be added to the range it stands beside. */
export interface LowRankRange {
  a: InputRange;
  b: InputRange;
  rank: number;
  /** Of A, before any transposition. */
  columns: number;
  /** Of B, before any transposition. */
  rows: number;
  scale: number;
  transposed: boolean;
}

/** The weights of one tensor in one role. */
export interface WeightRange extends InputRange {
  plus?: LowRankRange;
}

/** The model whose folder gives config and order for a role that is there: its own, or the one under the adapter. */
export function modelOf(checkpoints: MergeCheckpoints, role: Role): Checkpoint {
  const input = checkpoints[role]!;
  return isAdapterInput(input) ? checkpoints.aligned! : input;
}

/** Every tensor of a role that is there, in the order of its model's files. */
export function tensorsOf(checkpoints: MergeCheckpoints, role: Role): ReadonlyMap<string, TensorInfo> {
  return modelOf(checkpoints, role).tensors;
}

/** Where the weights of a tensor lie. The tensor must be there (compatibility.ts has made sure). */
export function weightRange(checkpoints: MergeCheckpoints, role: Role, tensorName: string): WeightRange {
  const input = checkpoints[role]!;
  if (!isAdapterInput(input)) return rangeOf(role, input.tensors.get(tensorName)!);
  const base = rangeOf('aligned', checkpoints.aligned!.tensors.get(tensorName)!);
  const target = input.targets.get(tensorName);
  if (!target) return base;
  const { a, b, scale, transposed } = target;
  const [rank, columns] = a.shape as [number, number];
  const plus = { a: rangeOf(role, a), b: rangeOf(role, b), rank, columns, rows: b.shape[0]!, scale, transposed };
  return { ...base, plus };
}

function rangeOf(role: Role, { source, dtype, start, end }: TensorRef): InputRange {
  return { role, file: source, dtype, start, end };
}

/** True when two inputs are the same numbers because they are the same bytes. */
export function sameWeights(a: WeightRange, b: WeightRange): boolean {
  return a.role === b.role && a.file === b.file && a.start === b.start && !a.plus && !b.plus;
}
