/** A worker whose answer is lost is a worker that failed. */

import { afterEach, expect, test, vi } from 'vitest';
import { call, startHashWorker } from '../../workers/start.ts';

class SilentWorker extends EventTarget {
  static last: SilentWorker;
  onerror: ((event: { message: string }) => void) | null = null;
  onmessageerror: (() => void) | null = null;
  constructor() {
    super();
    SilentWorker.last = this;
  }
  postMessage(): void {}
  terminate(): void {}
}

afterEach(() => vi.unstubAllGlobals());

test('an answer that cannot be read fails the call that waits for one', async () => {
  vi.stubGlobal('Worker', SilentWorker);
  vi.stubGlobal('navigator', {});
  const worker = startHashWorker();
  const waiting = call(worker, new Promise(() => {}));
  SilentWorker.last.onmessageerror?.();
  await expect(waiting).rejects.toThrow('could not be read');
});
