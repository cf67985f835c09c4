/** What was measured inside the models, as a table for spreadsheets: one row per tensor. */

import type { Measurement } from '../merge/measure/measure.ts';
import { type Cell, csv } from './csv.ts';

const HEAD = [
  'tensor',
  'layer',
  'module',
  'elements',
  'measured',
  'non_finite',
  'base_norm',
  'finetune_norm',
  'finetune_relative',
  'finetune_max',
  'finetune_zeros',
  'safety_norm',
  'safety_relative',
  'safety_max',
  'safety_zeros',
  'cosine',
] as const;

/** Norms of a sample are estimates for the whole tensor: `measured` is less than `elements` there. */
export function measurementCsv({ tensors }: Pick<Measurement, 'tensors'>): string {
  const rows = tensors.map(({ name, layer, module, stats }): Cell[] => {
    const { elements, measured, nonFinite, baseNorm, finetune, safety, cosine } = stats;
    const parts = [finetune, safety].flatMap((part) => [part?.norm, part?.relative, part?.max, part?.zeros]);
    return [name, layer, module, elements, measured, nonFinite, baseNorm, ...parts, cosine];
  });
  return csv(HEAD, rows);
}
