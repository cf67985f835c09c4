/** What a call leaves behind on the signals it was given; real workers are in test/browser/wire.test.ts. */

import { getEventListeners } from 'node:events';
import { expose, wrap } from 'comlink';
import { afterEach, expect, test } from 'vitest';
import { PauseSignal } from '../../src/core/pause.ts';
import { releasing } from '../../workers/wire.ts';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

type Endpoint = Parameters<typeof expose>[1];

function connect<Api extends object>(api: Api) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  expose(releasing(api), port1 as unknown as Endpoint);
  return wrap<Api>(port2 as unknown as NonNullable<Endpoint>);
}

const untilAbort = (signal: AbortSignal) =>
  new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('aborted'), { once: true }));
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

test('signals are let go of when the call is over, also one that fails', async () => {
  const { signal } = new AbortController();
  const pause = new PauseSignal();
  const api = connect({
    work: (_: AbortSignal, __: PauseSignal, fails: boolean) =>
      fails ? Promise.reject(new Error('no')) : Promise.resolve('done'),
  });
  const during = api.work(signal, pause, false);
  expect([getEventListeners(signal, 'abort').length, getEventListeners(pause, 'change').length]).toEqual([1, 1]);
  expect(await during).toBe('done');
  await expect(api.work(signal, pause, true)).rejects.toThrow('no');
  await turn();
  expect([getEventListeners(signal, 'abort').length, getEventListeners(pause, 'change').length]).toEqual([0, 0]);
});

test('a signal still aborts the call that is under way when another one with the same signal has ended', async () => {
  const controller = new AbortController();
  const api = connect({ untilAbort, atOnce: (_: AbortSignal) => 'done' });
  const waiting = api.untilAbort(controller.signal);
  await api.atOnce(controller.signal);
  await turn();
  controller.abort();
  expect(await waiting).toBe('aborted');
});
