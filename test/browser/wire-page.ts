/** The page's half of the wire tests; runs in the browser. */

import { type Remote, wrap } from 'comlink';
import { AppError, isCancel } from '../../src/core/errors.ts';
import { PauseSignal } from '../../src/core/pause.ts';
import '../../workers/wire.ts';
import type { WireApi } from './wire.worker.ts';

const api: Remote<WireApi> = wrap<WireApi>(
  new Worker(new URL('./wire.worker.ts', import.meta.url), { type: 'module' }),
);

const thrown = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

async function known() {
  const error = await thrown(api.failKnown());
  if (!(error instanceof AppError)) return { isAppError: false };
  return { isAppError: true, ...error.toShape() };
}

async function cancelledCall() {
  return isCancel(await thrown(api.failCancelled()));
}

async function bare() {
  const error = await thrown(api.failBare());
  return { isError: error instanceof Error, message: (error as Error).message };
}

async function abort() {
  const controller = new AbortController();
  const waiting = api.waitForAbort(controller.signal);
  setTimeout(() => controller.abort(), 50);
  return [await waiting, await api.waitForAbort(AbortSignal.abort())];
}

async function pausing() {
  const pause = new PauseSignal();
  pause.set(true);
  const watching = api.watchPause(pause);
  for (const wish of [false, true]) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    pause.set(wish);
  }
  return watching;
}

async function callbacks() {
  const seen: number[] = [];
  await api.count(5, (n) => {
    seen.push(n);
  });
  return seen;
}

Object.assign(window, { known, cancelledCall, bare, abort, pausing, callbacks });
