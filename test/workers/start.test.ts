/** A worker whose answer is lost is a worker that failed, and another takes its place. */

import { afterEach, expect, test, vi } from 'vitest';
import { openModelHost } from '../../workers/models.ts';
import { call, startHashWorker } from '../../workers/start.ts';

class SilentWorker extends EventTarget {
  static last: SilentWorker;
  static started = 0;
  onerror: ((event: { message: string }) => void) | null = null;
  onmessageerror: (() => void) | null = null;
  constructor() {
    super();
    SilentWorker.last = this;
    SilentWorker.started++;
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

test('a host whose worker has failed starts another at the next call', async () => {
  vi.stubGlobal('Worker', SilentWorker);
  vi.stubGlobal('navigator', {});
  const host = openModelHost();
  const before = SilentWorker.started;
  const first = host.release(1);
  SilentWorker.last.onerror?.({ message: 'out of memory' });
  await expect(first).rejects.toThrow('out of memory');
  const second = host.release(1);
  expect(SilentWorker.started).toBe(before + 2);
  host.terminate();
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
});
