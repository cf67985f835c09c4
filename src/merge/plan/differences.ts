/**
 * What is not alike among the inputs of a merge, each with its consequence and its way out. Plain data: the plan carries it, the screen
 * shows it, and what stops a merge becomes the error that says so.
 */

import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { Role } from '../recipe/recipe.ts';

export type DifferenceCode =
  | Extract<
      ErrorCode,
      | 'architecture-mismatch'
      | 'shape-mismatch'
      | 'tensor-missing'
      | 'dtype-unsupported'
      | 'adapter-unsupported'
      | 'inputs-identical'
      | 'tokenizer-mismatch'
      | 'format-unsupported'
    >
  | 'vocabulary-rows'
  | 'token-ids'
  | 'tokenizer-unread'
  | 'tensors-missing'
  | 'tensors-extra'
  | 'tied-head'
  | 'buffers'
  | 'dtypes'
  | 'ancestry'
  | 'patterns-idle'
  | 'config-borrowed'
  | 'vector-unlike';

export interface Difference {
  code: DifferenceCode;
  /** `stops`: nothing is written until it is mended. `choice`: goes on, but a person should decide. `note`: good to know. */
  severity: 'stops' | 'choice' | 'note';
  what: string;
  consequence: string;
  fix: string;
  roles: Role[];
  /** At most `LISTED` of them. */
  tensors?: string[];
  /** Of the tensors, or of whatever `what` counts. */
  count?: number;
  /** Facts for machines: shapes, sizes, names. */
  facts?: Record<string, unknown>;
}

/** Of tensors in a difference: enough to see what they are. */
const LISTED = 50;

export function listed(names: readonly string[]): Pick<Difference, 'tensors' | 'count'> {
  return { tensors: names.slice(0, LISTED), count: names.length };
}

/** "a, b, c and 4 more" */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

export const ROLE_NAMES: Record<Role, string> = {
  sft: 'fine-tuned',
  aligned: 'aligned',
  unaligned: 'unaligned',
  vector: 'safety vector',
};

/** "the aligned model", "the safety vector" */
export function theRole(role: Role): string {
  return role === 'vector' ? 'the safety vector' : `the ${ROLE_NAMES[role]} model`;
}

/** Throws the first difference that stops, with all of them in `data.differences`. */
export function throwIfStopped(differences: readonly Difference[]): void {
  const first = differences.find(({ severity }) => severity === 'stops');
  if (!first) return;
  const { code, what, consequence, fix, facts, tensors } = first;
  throw new AppError(code as ErrorCode, consequence ? `${what} ${consequence}` : what, fix, {
    ...facts,
    ...(tensors ? { tensors } : {}),
    differences,
  });
}
