/** What the last step of Merge decides without an engine: which names a result may have. */

import { describe, expect, test } from 'vitest';
import { checkName } from '../../src/app/merge-run.ts';

describe('the name of the new folder', () => {
  test.each(['my-model-resta-g0.5', 'model', 'console', 'ünï 7B', '.hidden'])('%s is taken', (name) => {
    expect(() => checkName(name)).not.toThrow();
  });

  test.each(['.', '..', 'model.', 'con', 'NUL.txt', 'lpt1', 'model.lnk', 'm'.repeat(201)])(
    '%s is refused in plain words, before the browser refuses it in its own',
    (name) => {
      expect(() => checkName(name)).toThrow(expect.objectContaining({ code: 'folder-unwritable' }));
    },
  );
});
