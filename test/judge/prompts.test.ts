/** Prompt files: what is taken, and what is refused with its place. */

import { describe, expect, test } from 'vitest';
import type { AppError } from '../../src/core/errors.ts';
import {
  MAX_FILE_CHARACTERS,
  MAX_PROMPT_CHARACTERS,
  MAX_PROMPTS,
  parsePrompts,
  purposeOf,
} from '../../src/judge/prompts.ts';

function problem(text: string): AppError {
  try {
    parsePrompts(text);
  } catch (error) {
    return error as AppError;
  }
  throw new Error('no error');
}

describe('Formats', () => {
  test('JSON lines keep their labels; other keys are ignored', () => {
    const text =
      '{"id":"a","prompt":"One?","category":"fraud","seed":3}\r\n\r\n{"id":7,"prompt":"Two?","kind":"task","expected":" dos "}\n';
    expect(parsePrompts(text, 'mine')).toEqual({
      name: 'mine',
      items: [
        { id: 'a', prompt: 'One?', category: 'fraud' },
        { id: '7', prompt: 'Two?', kind: 'task', expected: ' dos ' },
      ],
    });
  });

  test('plain text is one prompt per line, numbered over the empty ones', () => {
    expect(parsePrompts('\uFEFFFirst one\n\n  "Second" one  \r').items).toEqual([
      { id: '1', prompt: 'First one' },
      { id: '2', prompt: '"Second" one' },
    ]);
  });

  test('a JSON array holds strings or objects', () => {
    expect(parsePrompts('\n["One", {"prompt": "Two", "id": null}]').items).toEqual([
      { id: '1', prompt: 'One' },
      { id: '2', prompt: 'Two' },
    ]);
  });

  test('a prompt keeps its inner line breaks and outer spaces in JSON', () => {
    expect(parsePrompts('{"prompt":" a\\nb "}').items[0]!.prompt).toBe(' a\nb ');
  });
});

describe('Refused, with the place', () => {
  test.each([
    ['{"prompt":"a"}\n\n{"prompt":', { line: 3 }],
    ['{"prompt":"a"}\nplain', { line: 2 }],
    ['{"prompt":"a"}\n{"text":"b"}', { line: 2 }],
    ['{"prompt":"a"}\n["b"]', { line: 2 }],
    ['{"prompt":5}', { line: 1 }],
    ['{"prompt":"  "}', { line: 1 }],
    ['{"prompt":"a","category":{"toString":1}}', { line: 1 }],
    ['{"prompt":"a","id":1.5}', { line: 1 }],
    ['{"id":"x","prompt":"a"}\n{"id":"x","prompt":"b"}', { line: 2 }],
    ['["a", 5]', { entry: 2 }],
    ['["a", null]', { entry: 2 }],
    ['["a",\n"b",\n', { line: 2 }],
    [`{"prompt":"a"}\n${JSON.stringify({ prompt: 'b'.repeat(MAX_PROMPT_CHARACTERS + 1) })}`, { line: 2 }],
    ['a\n'.repeat(MAX_PROMPTS + 1), { line: MAX_PROMPTS + 1 }],
  ])('%.40j', (text, place) => {
    const error = problem(text);
    expect(error.code).toBe('prompts-invalid');
    expect(error.data).toMatchObject(place);
    expect(error.hint).toContain('one prompt per line');
  });

  test.each(['', ' \n\t\n', '[]'])('an empty file: %j', (text) => {
    expect(problem(text).message).toBe('The file holds no prompts.');
  });

  test('a file beyond the limit, before it is parsed', () => {
    expect(problem('x'.repeat(MAX_FILE_CHARACTERS + 1)).message).toContain('limit');
  });
});

test('What a prompt is for follows from its labels', () => {
  const prompt = { id: '1', prompt: 'p' };
  expect(purposeOf(prompt)).toBe('harmful');
  expect(purposeOf({ ...prompt, category: 'fraud' })).toBe('harmful');
  expect(purposeOf({ ...prompt, category: 'fraud', kind: 'harmless' })).toBe('harmless');
  expect(purposeOf({ ...prompt, kind: 'homonym', expected: 'x' })).toBe('harmless');
  expect(purposeOf({ ...prompt, kind: 'contrast', category: 'fraud', expected: 'x' })).toBe('harmless');
  expect(purposeOf({ ...prompt, expected: 'dos gatos' })).toBe('task');
  expect(purposeOf({ ...prompt, kind: 'task' })).toBe('task');
});
