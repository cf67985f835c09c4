/**
 * What computes the merges: what the person wishes, what that comes to on this computer, and why. The answer needs up to a second of
 * measuring, so it is asked for once there is a merge to plan, not with the page. The written bytes do not depend on it, so it is no part
 * of the recipe; it lasts as long as the page.
 */

import { batch, computed, effect, signal, untracked } from '@preact/signals';
import type { BackendChoice, BackendWish } from '../kernels/kernels.ts';
import { client } from './engine.ts';
import { plan } from './merge-plan.ts';

/** The reference is for tests and the terminal: it gives the same bytes, far slower. */
export type OfferedWish = Exclude<BackendWish, 'reference'>;

/** What shall compute; 'auto' is whichever is faster here. */
export const backendWish = signal<OfferedWish>('auto');
/** What each wish came to, of those that were looked at so far. */
export const backendChoices = signal<Partial<Record<OfferedWish, BackendChoice>>>({});
/** Of the present wish; missing while it is being measured. */
export const backendChoice = computed(() => backendChoices.value[backendWish.value]);

/** Reasons for which the graphics card cannot compute what is written here; a software one can, only slower. */
const BARS: readonly BackendChoice['why'][] = ['no-gpu', 'differs', 'failed'];

/** WebGPU cannot be chosen here; false while nobody has looked. */
export const webgpuBarred = computed(() => Object.values(backendChoices.value).some(({ why }) => BARS.includes(why)));

/** Looks what 'auto' and the wish come to, as soon as a merge is planned. Gives back what stops it. */
export function watchBackend(): () => void {
  const planned = computed(() => plan.value !== undefined);
  return effect(() => {
    const wishes = new Set<OfferedWish>(['auto', backendWish.value]);
    if (planned.value) untracked(() => wishes.forEach((wish) => void look(wish)));
  });
}

async function look(wish: OfferedWish): Promise<void> {
  if (backendChoices.value[wish]) return;
  const choice = await ask(wish);
  batch(() => {
    backendChoices.value = { ...backendChoices.value, [wish]: choice };
    // Chosen before it was known that it cannot be had.
    if (wish !== 'auto' && choice.backend !== wish && backendWish.value === wish) backendWish.value = 'auto';
  });
}

/** A look that fails is no reason to stop: merges ask again, and tell what happened if it happens then. */
async function ask(wish: OfferedWish): Promise<BackendChoice> {
  try {
    return await (await client()).chooseBackend(wish);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { backend: 'wasm', why: 'failed', detail };
  }
}
