import { describe, expect, test } from 'vitest';
import { formulaFor, writtenFormula } from '../../src/app/merge-formula.ts';

const names = { sft: 'my-tune', aligned: 'llama-chat', unaligned: 'llama-bad', vector: 'llama-safety' };
const RESTA = 'sft + g × (aligned − unaligned)';
const RESTA_D = 'aligned + drop(sft − aligned, p) / (1 − p) + g × (aligned − unaligned)';

describe('the formula in a person’s own names', () => {
  test('replaces roles and values', () => {
    expect(writtenFormula(RESTA, names, { g: 0.6 })).toBe('my-tune + 0.6 × (llama-chat − llama-bad)');
  });

  test('replaces the drop rate where it stands', () => {
    expect(writtenFormula(RESTA_D, names, { g: 1, p: 0.3 })).toBe(
      'llama-chat + drop(my-tune − llama-chat, 0.3) / (1 − 0.3) + 1 × (llama-chat − llama-bad)',
    );
  });

  test('leaves names alone that look like parameters', () => {
    expect(writtenFormula(RESTA, { ...names, sft: 'g' }, { g: 2 })).toBe('g + 2 × (llama-chat − llama-bad)');
  });

  test('keeps the letter where g is not one number', () => {
    expect(writtenFormula(RESTA, names, {})).toBe('my-tune + g × (llama-chat − llama-bad)');
  });

  test('has a saved vector in the place of the difference', () => {
    expect(writtenFormula(formulaFor(RESTA, {}, true), names, { g: 0.5 })).toBe('my-tune + 0.5 × llama-safety');
    expect(writtenFormula(formulaFor(RESTA_D, {}, true), names, { g: 0.5, p: 0.1 })).toBe(
      'llama-chat + drop(my-tune − llama-chat, 0.1) / (1 − 0.1) + 0.5 × llama-safety',
    );
  });

  test('is the difference alone when only the vector is written', () => {
    expect(writtenFormula(formulaFor(RESTA, { output: 'vector' }, false), names, { g: 1 })).toBe(
      'llama-chat − llama-bad',
    );
  });
});
