/** The small modules: privacy, recents, problems, folders. */

import { describe, expect, test } from 'vitest';
import { folderOfFiles } from '../../src/app/folders.ts';
import { countByOrigin } from '../../src/app/privacy.ts';
import { problemOf } from '../../src/app/problem.ts';
import { type Recent, withRecent } from '../../src/app/recents.ts';
import { AppError, cancelled } from '../../src/core/errors.ts';

describe('requests', () => {
  test('are counted by origin; another port is another origin', () => {
    const addresses = [
      'http://localhost:1/',
      'http://localhost:1/demo/manifest.json',
      'http://localhost:2/',
      'https://example.org/x',
    ];
    expect(countByOrigin(addresses, 'http://localhost:1')).toEqual({ sameOrigin: 2, otherOrigins: 2 });
  });
});

describe('recent folders', () => {
  const recent = (name: string) => ({ name, handle: { name } }) as unknown as Recent;
  const same = async (a: { name: string }, b: { name: string }) => a.name === b.name;

  test('put the newest first and each folder once', async () => {
    const list = await withRecent([recent('a'), recent('b'), recent('c')], recent('b'), same);
    expect(list.map(({ name }) => name)).toEqual(['b', 'a', 'c']);
  });

  test('forget the oldest', async () => {
    const full = Array.from({ length: 8 }, (_, i) => recent(String(i)));
    const list = await withRecent(full, recent('new'), same);
    expect(list).toHaveLength(8);
    expect(list[0]!.name).toBe('new');
    expect(list.at(-1)!.name).toBe('6');
  });
});

describe('what was thrown', () => {
  test('is nothing when it was a cancel', () => {
    expect(problemOf(cancelled())).toBeUndefined();
  });

  test('keeps code, hint and facts of an AppError', () => {
    const problem = problemOf(
      new AppError('file-missing', 'x has no config.json.', 'Open the folder with it.', { folder: 'x' }),
    );
    expect(problem).toEqual({
      code: 'file-missing',
      message: 'x has no config.json.',
      hint: 'Open the folder with it.',
      data: { folder: 'x' },
    });
  });

  test('is readable even when it is a bare number, as the runtime throws', () => {
    expect(problemOf(123456)?.message).toBe('123456');
  });
});

describe('picked files', () => {
  const file = (name: string, path = '') =>
    Object.defineProperty(new File(['x'], name), 'webkitRelativePath', { value: path });

  test('become a folder named after the one they came from', () => {
    const files = [
      file('config.json', 'my-model/config.json'),
      file('model.safetensors', 'my-model/model.safetensors'),
    ];
    const folder = folderOfFiles(files, 'Aligned');
    expect(folder.name).toBe('my-model');
    expect(folder.kind === 'files' && folder.files.map(({ path }) => path)).toEqual([
      'config.json',
      'model.safetensors',
    ]);
  });

  test('are named after their role where they bring no folder', () => {
    expect(folderOfFiles([file('config.json'), file('model.safetensors')], 'Aligned').name).toBe('Aligned');
  });

  test('cannot be none', () => {
    expect(() => folderOfFiles([], 'Aligned')).toThrow(AppError);
  });
});
