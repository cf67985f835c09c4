import { describe, expect, test } from 'vitest';
import { isCancel } from '../../src/core/errors.ts';
import { PauseSignal, untilResumed } from '../../src/core/pause.ts';

const never = () => new AbortController().signal;

describe('a pause', () => {
  test('holds whoever waits until it is taken back, and nobody before it', async () => {
    const pause = new PauseSignal();
    await untilResumed(pause, never());
    pause.set(true);
    let through = false;
    const waiting = untilResumed(pause, never()).then(() => {
      through = true;
    });
    await new Promise((resolve) => setTimeout(resolve));
    expect(through).toBe(false);
    pause.set(false);
    await waiting;
  });

  test('ends with a cancel', async () => {
    const pause = new PauseSignal();
    pause.set(true);
    const controller = new AbortController();
    const waiting = untilResumed(pause, controller.signal).catch((error: unknown) => error);
    controller.abort();
    expect(isCancel(await waiting)).toBe(true);
  });

  test('tells each change once', () => {
    const pause = new PauseSignal();
    const told: boolean[] = [];
    pause.addEventListener('change', () => told.push(pause.paused));
    for (const wish of [true, true, false, false, true]) pause.set(wish);
    expect(told).toEqual([true, false, true]);
  });
});
