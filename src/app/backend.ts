/**
 * What computes the merges: what the person wishes, what that comes to on this computer, and why. The answer needs up to a second of
 * measuring, so it is asked for once there is a merge to plan, not with the page. The written bytes do not depend on it, so it is no part
 * of the recipe; it lasts as long as the page.
 */

import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { AppError } from '../core/errors.ts';
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

/**
 * Those that a person is told the reasons of: of the present wish; beside one that was granted what would have been chosen; and why WebGPU
 * cannot be had although the automatic choice found nothing against it.
 */
export const toldChoices = computed<BackendChoice[]>(() => {
  const { auto, webgpu } = backendChoices.value;
  const now = backendChoice.value;
  const beside = now?.why === 'asked' ? auto : undefined;
  const refused = auto && !BARS.includes(auto.why) && webgpu?.why === 'failed' ? webgpu : undefined;
  return [now, beside, refused].filter((one) => one !== undefined);
});

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
    return { backend: 'wasm', why: 'failed', detail: reasonOf(error) };
  }
}

/** Of a backend that cannot be had the cause alone: the rest of its message tells of a merge that nobody has begun. */
function reasonOf(error: unknown): string {
  if (error instanceof AppError && typeof error.data.why === 'string') return error.data.why;
  return error instanceof Error ? error.message : String(error);
}
