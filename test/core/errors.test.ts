/** Errors keep their facts across threads; a cancel is told apart from them. */

import { expect, test } from 'vitest';
import { AppError, cancelled, isCancel } from '../../src/core/errors.ts';

test('An AppError survives structured cloning as its shape', () => {
  const error = new AppError('file-missing', 'config.json is missing.', 'Pick the folder that holds it.', {
    file: 'config.json',
  });
  const back = AppError.fromShape(structuredClone(error.toShape()));
  expect(back).toBeInstanceOf(AppError);
  expect(back).toMatchObject({
    code: 'file-missing',
    message: 'config.json is missing.',
    hint: 'Pick the folder that holds it.',
    data: { file: 'config.json' },
  });
});

test('Only the AbortError is a cancel', () => {
  expect(isCancel(cancelled())).toBe(true);
  expect(isCancel(AbortSignal.abort().reason)).toBe(true);
  expect(isCancel(new DOMException('gone', 'NotReadableError'))).toBe(false);
  expect(isCancel(new Error('AbortError'))).toBe(false);
});
