/** What computes a merge: when the page asks, what it keeps, and when WebGPU cannot be chosen. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backendChoice, backendChoices, backendWish, watchBackend, webgpuBarred } from '../../src/app/backend.ts';
import { plan } from '../../src/app/merge-plan.ts';
import type { BackendChoice, BackendWish } from '../../src/kernels/kernels.ts';
import type { MergePlan } from '../../src/merge/plan/plan.ts';

const SOME_PLAN = { id: 'a plan' } as MergePlan;

const asked: BackendWish[] = [];
/** What this computer answers. */
let answer: (wish: BackendWish) => Promise<BackendChoice>;

vi.mock('../../src/app/engine.ts', () => ({
  client: async () => ({
    chooseBackend: (wish: BackendWish) => {
      asked.push(wish);
      return answer(wish);
    },
  }),
}));

const FASTER: BackendChoice = { backend: 'webgpu', why: 'faster', measured: { wasm: 9, webgpu: 12 } };
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
let stop: () => void;

beforeEach(() => {
  asked.length = 0;
  plan.value = undefined;
  backendWish.value = 'auto';
  backendChoices.value = {};
  answer = async (wish) => (wish === 'auto' ? FASTER : { backend: wish, why: 'asked' });
  stop = watchBackend();
});

afterEach(() => stop());

describe('what computes', () => {
  test('is not measured before there is something to merge', async () => {
    await settled();
    expect(asked).toEqual([]);
    expect(backendChoice.value).toBeUndefined();
  });

  test('is measured once, with the first plan, whatever plans follow', async () => {
    plan.value = SOME_PLAN;
    await settled();
    plan.value = { ...SOME_PLAN, id: 'another' };
    await settled();
    expect(asked).toEqual(['auto']);
    expect(backendChoice.value).toEqual(FASTER);
  });

  test('follows the wish, and a wish that was looked at before needs no second look', async () => {
    plan.value = SOME_PLAN;
    await settled();
    backendWish.value = 'wasm';
    expect(backendChoice.value).toBeUndefined();
    await settled();
    expect(backendChoice.value).toEqual({ backend: 'wasm', why: 'asked' });
    backendWish.value = 'auto';
    expect(backendChoice.value).toEqual(FASTER);
    await settled();
    expect(asked).toEqual(['auto', 'wasm']);
  });

  test('is WebAssembly where the look itself fails, with what went wrong', async () => {
    answer = async () => {
      throw new Error('The worker of this page could not start.');
    };
    plan.value = SOME_PLAN;
    await settled();
    expect(backendChoice.value).toEqual({
      backend: 'wasm',
      why: 'failed',
      detail: 'The worker of this page could not start.',
    });
  });
});

describe('WebGPU', () => {
  test.each(['no-gpu', 'differs', 'failed'] as const)('cannot be chosen after "%s"', async (why) => {
    answer = async () => ({ backend: 'wasm', why });
    plan.value = SOME_PLAN;
    expect(webgpuBarred.value).toBe(false);
    await settled();
    expect(webgpuBarred.value).toBe(true);
  });

  test('chosen before it was known that there is none gives way to the automatic choice', async () => {
    answer = async (wish) => {
      if (wish === 'webgpu') throw new Error('There is no graphics card.');
      return { backend: 'wasm', why: 'no-gpu' };
    };
    backendWish.value = 'webgpu';
    plan.value = SOME_PLAN;
    await settled();
    expect(backendWish.value).toBe('auto');
    expect(backendChoice.value).toEqual({ backend: 'wasm', why: 'no-gpu' });
    expect(webgpuBarred.value).toBe(true);
  });

  test.each(['faster', 'software-gpu'] as const)(
    'can be chosen after "%s", although WebAssembly is the faster one',
    async (why) => {
      answer = async () => ({ backend: 'wasm', why });
      plan.value = SOME_PLAN;
      await settled();
      expect(webgpuBarred.value).toBe(false);
    },
  );
});
