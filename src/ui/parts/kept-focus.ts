/** For places whose buttons vanish when they are pressed: whoever works by keyboard goes on from here and not from the top of the page. */

import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Moves a lost focus to `place` whenever `state` becomes another one. */
export function useKeptFocus(place: RefObject<HTMLElement | null>, state: unknown): void {
  const seen = useRef(state);
  useEffect(() => {
    if (seen.current === state) return;
    seen.current = state;
    const held = document.activeElement;
    if (held === null || held === document.body || held.matches(':disabled')) place.current?.focus();
  }, [state]);
}
