import { beforeEach, describe, expect, test } from 'vitest';
import { chooseMethod, methods, proposedName, recipe, slots, writtenFormula } from '../../src/app/merge-state.ts';
import type { Inspection } from '../../src/files/inspect.ts';
import type { MethodRow } from '../../workers/merge.worker.ts';
import { emptyFolder } from './fake-host.ts';

const names = { sft: 'my-tune', aligned: 'llama-chat', unaligned: 'llama-bad' };
const parameter = (name: 'g' | 'p' | 'seed', value: number) => ({
  name,
  label: name,
  summary: '',
  default: value,
  min: 0,
  max: 4,
  step: 0.05,
});
const row = (id: MethodRow['id'], ...parameters: MethodRow['parameters']): MethodRow => ({
  id,
  label: id,
  summary: '',
  paper: { title: '', url: '' },
  formula: '',
  inputs: ['sft', 'aligned', 'unaligned'],
  parameters,
});

describe('the formula in a person’s own names', () => {
  test('replaces roles and values', () => {
    expect(writtenFormula('sft + g × (aligned − unaligned)', names, { g: 0.6 })).toBe(
      'my-tune + 0.6 × (llama-chat − llama-bad)',
    );
  });

  test('replaces the drop rate where it stands', () => {
    const formula = 'aligned + drop(sft − aligned, p) / (1 − p) + g × (aligned − unaligned)';
    expect(writtenFormula(formula, names, { g: 1, p: 0.3 })).toBe(
      'llama-chat + drop(my-tune − llama-chat, 0.3) / (1 − 0.3) + 1 × (llama-chat − llama-bad)',
    );
  });

  test('leaves names alone that look like parameters', () => {
    expect(writtenFormula('sft + g × (aligned − unaligned)', { ...names, sft: 'g' }, { g: 2 })).toBe(
      'g + 2 × (llama-chat − llama-bad)',
    );
  });
});

describe('the recipe', () => {
  beforeEach(() => {
    methods.value = [
      row('resta', parameter('g', 1)),
      row('resta_d', parameter('g', 1), parameter('p', 0.3), parameter('seed', 0)),
    ];
    recipe.value = { version: 1, method: 'resta', g: 0.7, convention: 'pre-alignment' };
  });

  test('keeps g and the convention when the method changes, and starts the rest at its defaults', () => {
    chooseMethod('resta_d');
    expect(recipe.value).toEqual({
      version: 1,
      method: 'resta_d',
      g: 0.7,
      p: 0.3,
      seed: 0,
      convention: 'pre-alignment',
    });
  });

  test('drops what the other method has no use for', () => {
    chooseMethod('resta_d');
    chooseMethod('resta');
    expect(recipe.value).toEqual({ version: 1, method: 'resta', g: 0.7, convention: 'pre-alignment' });
  });

  test('proposes a name that says what was done and that a file system takes', () => {
    const inspection = { name: 'my model/v2' } as Inspection;
    slots.value = { ...slots.value, sft: { state: 'open', folder: emptyFolder('x'), inspection, seconds: 0 } };
    chooseMethod('resta_d');
    expect(proposedName.value).toBe('my-model-v2-resta-d-g0.7-p0.3');
  });
});
