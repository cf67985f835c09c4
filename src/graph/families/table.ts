/** All families that can be run. To add one: a row in a file beside this one, and a checkpoint of it in tools/references. */

import { AppError } from '../../core/errors.ts';
import { type Config, invalidConfig, textField } from '../config.ts';
import type { Family } from './family.ts';
import { GEMMA } from './gemma.ts';
import { GPT_LIKE } from './gpt.ts';
import { LLAMA_LIKE } from './llama.ts';
import { OTHERS } from './others.ts';

const FAMILIES: readonly Family[] = [...LLAMA_LIKE, ...GEMMA, ...GPT_LIKE, ...OTHERS];

/** The `model_type` of every family that can be run. */
export const MODEL_TYPES: readonly string[] = FAMILIES.map((family) => family.modelType);

/** Characters of a model_type that a message repeats. */
const LONGEST_TYPE = 100;

/** Throws AppError 'family-unsupported', or 'config-invalid' where no type is given. */
export function familyOf(config: Config): Family {
  const modelType = textField(config, 'model_type')?.slice(0, LONGEST_TYPE);
  if (modelType === undefined) throw invalidConfig('config.json does not say model_type.', { field: 'model_type' });
  const family = FAMILIES.find((row) => row.modelType === modelType);
  if (family !== undefined) return family;
  throw new AppError(
    'family-unsupported',
    `Models of type "${modelType}" cannot be run here yet.`,
    `Merging works for every family. What runs here: ${MODEL_TYPES.join(', ')}.`,
    { modelType, supported: MODEL_TYPES },
  );
}
