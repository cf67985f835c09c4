/** What crosses between page and worker, in a real browser (Node's structuredClone is no witness: it turns signals into {}). */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDevPage } from '../../tools/drive/dev-page.mjs';

let dev: Awaited<ReturnType<typeof openDevPage>>;

beforeAll(async () => {
  dev = await openDevPage();
  await dev.load('/test/browser/wire-page.ts');
});

afterAll(() => dev?.close());

const inPage = (name: string) =>
  dev.page.evaluate((name) => (window as never as Record<string, () => Promise<unknown>>)[name]!(), name);

describe('errors keep what a person needs', () => {
  test('an AppError arrives with code, message, hint and facts', async () => {
    expect(await inPage('known')).toEqual({
      isAppError: true,
      code: 'disk-full',
      message: 'The disk is full.',
      hint: 'Free some space.',
      data: { needed: 42 },
    });
  });

  test('a cancel arrives as a cancel', async () => {
    expect(await inPage('cancelledCall')).toBe(true);
  });

  test('a bare number thrown by a runtime arrives as an Error that shows it', async () => {
    expect(await inPage('bare')).toEqual({ isError: true, message: '139245200' });
  });
});

test('an AbortSignal works on the other side, also when it is aborted already', async () => {
  expect(await inPage('abort')).toEqual(['aborted', 'already aborted']);
});

test('a pause works on the other side, and can be taken back', async () => {
  expect(await inPage('pausing')).toEqual([true, false, true]);
});

test('callbacks are called in order', async () => {
  expect(await inPage('callbacks')).toEqual([1, 2, 3, 4, 5]);
});
