/** From a decision about a tensor to the steps that make its bytes: which ranges of which inputs, through which op. Pure. */

import { type Dtype, dtypeBytes, type FloatDtype, isFloatDtype } from '../../core/dtype.ts';
import { elementCount } from '../../core/tensor.ts';
import type { KernelOp } from '../../kernels/kernels.ts';
import {
  type InputRange,
  type MergeCheckpoints,
  sameWeights,
  type WeightRange,
  weightRange,
} from '../inputs/inputs.ts';
import { appliedMethod } from '../recipe/methods.ts';
import type { Recipe, Role } from '../recipe/recipe.ts';
import type { Decision } from './decisions.ts';
import type { MergeStep } from './plan.ts';

export type UnplacedStep = Copy | Combine;
type Copy = Omit<Extract<MergeStep, { kind: 'copy' }>, 'output'>;
type Combine = Omit<Extract<MergeStep, { kind: 'combine' }>, 'output'>;

/** The steps of a tensor of the repaired model: what is combined, then the rows that only the fine-tune has. */
export function tensorSteps(
  decision: Decision,
  dtype: Dtype,
  recipe: Recipe,
  checkpoints: MergeCheckpoints,
): UnplacedStep[] {
  const sft = weightRange(checkpoints, 'sft', decision.tensor.name);
  const elements = elementCount(decision.shape);
  const combined = decision.copied ? undefined : combineStep(decision, dtype as FloatDtype, recipe, checkpoints);
  if (!combined) return [copyStep(decision, dtype, sft, 0, elements)];
  if (combined.elements === elements) return [combined];
  return [combined, copyStep(decision, dtype, sft, combined.elements, elements - combined.elements)];
}

/** The step that makes one tensor of a safety vector; none where there is nothing to keep. */
export function vectorSteps(decision: Decision, dtype: Dtype, checkpoints: MergeCheckpoints): UnplacedStep[] {
  if (decision.copied || !isFloatDtype(dtype)) return [];
  const aligned = weightRange(checkpoints, 'aligned', decision.tensor.name);
  const unaligned = weightRange(checkpoints, 'unaligned', decision.names.unaligned!);
  if (sameWeights(aligned, unaligned)) return [];
  const op: KernelOp = { kind: 'difference' };
  return [combineOf(decision, dtype, op, [aligned, unaligned])];
}

/** Undefined where nothing would be added: copied rather than computed, so that negative zeros and NaN payloads survive too. */
function combineStep(
  decision: Decision,
  dtype: FloatDtype,
  recipe: Recipe,
  checkpoints: MergeCheckpoints,
): Combine | undefined {
  const { tensor, names, g } = decision;
  const vector = checkpoints.vector !== undefined;
  const method = appliedMethod(recipe);
  const lacksVector = vector && names.vector === undefined;
  const range = (role: Role) => weightRange(checkpoints, role, role === 'sft' ? tensor.name : names[role]!);
  // What a saved vector lacks is zero there: aligned − aligned.
  const roles = method.operands(vector).map((role) => (role === 'vector' && lacksVector ? 'aligned' : role));
  const op = method.op(recipe, g, tensor.name, vector && !lacksVector);
  const inputs = roles.map(range);
  if (method.id === 'resta' && (g === 0 || (!vector && sameWeights(inputs[1]!, inputs[2]!)))) return undefined;
  return combineOf(decision, dtype, op, inputs);
}

function combineOf(decision: Decision, dtype: FloatDtype, op: KernelOp, inputs: WeightRange[]): Combine {
  return { kind: 'combine', tensor: decision.tensor.name, from: 0, elements: decision.combined, op, inputs, dtype };
}

/** Elements [from, from + elements) as the fine-tune has them; through the kernel only where the type changes or an adapter is folded in. */
function copyStep(decision: Decision, dtype: Dtype, sft: WeightRange, from: number, elements: number): UnplacedStep {
  const tensor = decision.tensor.name;
  if ((sft.dtype === dtype && !sft.plus) || !isFloatDtype(dtype)) {
    return { kind: 'copy', tensor, elements, input: part(sft, from, elements) };
  }
  return { kind: 'combine', tensor, from, elements, op: { kind: 'convert' }, inputs: [sft], dtype };
}

function part({ role, file, dtype, start }: InputRange, from: number, elements: number): InputRange {
  const size = dtypeBytes(dtype);
  return { role, file, dtype, start: start + from * size, end: start + (from + elements) * size };
}
