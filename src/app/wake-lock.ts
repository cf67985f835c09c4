/** Keeps the screen on while a merge is running: a sleeping computer writes nothing. A browser that refuses changes nothing else. */

import { computed, effect } from '@preact/signals';
import { jobs } from './jobs.ts';

const working = computed(() => jobs.value.merge?.status === 'running' && !jobs.value.merge.paused);

/** Gives back what stops it. The browser drops the lock of a hidden tab by itself: asked for again when it is seen. */
export function keepAwake(): () => void {
  return effect(() => {
    if (!working.value) return;
    let lock: WakeLockSentinel | undefined;
    let over = false;
    const ask = async () => {
      if (document.visibilityState !== 'visible' || (lock && !lock.released)) return;
      // Refused on an empty battery, in hidden tabs, by policy: the merge runs all the same.
      const got = await navigator.wakeLock?.request('screen').catch(() => undefined);
      if (over) void got?.release();
      else lock = got;
    };
    const onVisible = () => void ask();
    document.addEventListener('visibilitychange', onVisible);
    void ask();
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', onVisible);
      void lock?.release();
    };
  });
}
