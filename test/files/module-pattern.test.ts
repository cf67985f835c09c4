import { describe, expect, test } from 'vitest';
import { modulePattern, PatternError } from '../../src/files/adapter/module-pattern.ts';

const matches = (key: string, module: string) => modulePattern(key)(module, { steps: 1_000_000 });

describe('a key of rank_pattern or alpha_pattern', () => {
  // Every row from Python: bool(re.match(rf"(.*\.)?({key})$", module)).
  test.each<[key: string, module: string, expected: boolean]>([
    ['q_proj', 'model.layers.0.self_attn.q_proj', true],
    ['q_proj', 'q_proj', true],
    ['q_proj', 'model.layers.0.self_attn.xq_proj', false],
    ['self_attn.q_proj', 'model.layers.0.self_attn.q_proj', true],
    ['self_attn.q_proj', 'model.layers.0.self_attnxq_proj', true],
    ['^model.layers.0.*.v_proj', 'model.layers.0.self_attn.v_proj', true],
    ['^layers.0.*.v_proj', 'model.layers.0.self_attn.v_proj', false],
    [String.raw`layers\.(?:[0-9]|1[0-5])\.mlp\..*`, 'model.layers.15.mlp.up_proj', true],
    [String.raw`layers\.(?:[0-9]|1[0-5])\.mlp\..*`, 'model.layers.16.mlp.up_proj', false],
    [String.raw`layers\.\d+\.mlp`, 'model.layers.7.mlp', true],
    [String.raw`\d{2,}\.mlp`, 'model.layers.7.mlp', false],
    [String.raw`\d{2,}\.mlp`, 'model.layers.17.mlp', true],
    ['(k|v)_proj', 'a.v_proj', true],
    ['k_proj|v_proj', 'a.v_proj', true],
    ['k_proj|v', 'a.v_proj', false],
    ['[^q]_proj', 'a.k_proj', true],
    ['[^q]_proj', 'a.q_proj', false],
    ['[]a-]x', ']x', true],
    ['q_proj$', 'a.q_proj', true],
    ['.*', 'a.b', true],
    ['a.*?b+', 'x.axxbb', true],
    ['(a*)*b', 'aab', true],
    ['(|a){3}b', 'aab', true],
    ['(|a){3}b', 'aaaab', false],
    ['', 'a', false],
    ['', 'a.', true],
    [String.raw`\w+\W\w+`, 'q_proj.x', true],
  ])('%s against %s', (key, module, expected) => {
    expect(matches(key, module)).toBe(expected);
  });

  test.each([
    '(',
    ')',
    'a)',
    '[a',
    'a**',
    '*a',
    '(?=a)',
    '(?i)a',
    '(?P<n>a)',
    String.raw`\1`,
    String.raw`a\b`,
    'a{2',
    'a{3,2}',
    '[b-a]',
    'a\\',
    '^*',
  ])('outside the known subset is refused: %s', (key) => {
    expect(() => modulePattern(key)).toThrow(PatternError);
  });

  test.each(['a'.repeat(300), '((a{99}){99}){99}', '(((){99}){99}){99}', 'a{9999}'])(
    'too large to follow is refused: %.20s',
    (key) => {
      expect(() => modulePattern(key)).toThrow(PatternError);
    },
  );

  test('made to run for years is answered at once', () => {
    // Each of these takes a backtracking engine longer than the universe has.
    for (const key of ['(a+)+b', '(a|a)*b', '(a*)*b', '(.*)*(.*)*(.*)*c'])
      expect(matches(key, 'a'.repeat(2000))).toBe(false);
  });

  test('stops when all patterns together take too long', () => {
    const budget = { steps: 1000 };
    const slow = modulePattern('(a|b)*c');
    expect(() => {
      for (let i = 0; i < 100; i++) slow('ab'.repeat(20), budget);
    }).toThrow(PatternError);
  });
});
