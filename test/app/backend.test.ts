/** What computes a merge: when the page asks, what it keeps, and when WebGPU cannot be chosen. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  backendChoice,
  backendChoices,
  backendWish,
  toldChoices,
  watchBackend,
  webgpuBarred,
} from '../../src/app/backend.ts';
import { plan } from '../../src/app/merge-plan.ts';
import { AppError } from '../../src/core/errors.ts';
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
      const hint = 'Choose WebAssembly.';
      const why = 'this browser offers no graphics card';
      if (wish === 'webgpu')
        throw new AppError('backend-unavailable', `Merging is not possible: ${why}`, hint, { why });
      return { backend: 'wasm', why: 'no-gpu' };
    };
    backendWish.value = 'webgpu';
    plan.value = SOME_PLAN;
    await settled();
    expect(backendWish.value).toBe('auto');
    expect(backendChoice.value).toEqual({ backend: 'wasm', why: 'no-gpu' });
    expect(webgpuBarred.value).toBe(true);
    expect(backendChoices.value.webgpu?.detail).toBe('this browser offers no graphics card');
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

describe('the reasons that are told', () => {
  const whys = () => toldChoices.value.map(({ why }) => why);

  test('are those of the automatic choice, also beside a wish that was granted', async () => {
    plan.value = SOME_PLAN;
    await settled();
    expect(whys()).toEqual(['faster']);
    backendWish.value = 'wasm';
    await settled();
    expect(whys()).toEqual(['asked', 'faster']);
  });

  test('tell why a wish for WebGPU was refused, unless the automatic choice says so already', async () => {
    let auto: BackendChoice = { backend: 'wasm', why: 'software-gpu' };
    answer = async (wish) => {
      if (wish === 'webgpu') throw new Error('It could not be started.');
      return auto;
    };
    const askForWebgpu = async () => {
      backendChoices.value = {};
      plan.value = SOME_PLAN;
      backendWish.value = 'webgpu';
      await settled();
    };
    await askForWebgpu();
    expect(whys()).toEqual(['software-gpu', 'failed']);
    stop();
    auto = { backend: 'wasm', why: 'no-gpu' };
    stop = watchBackend();
    await askForWebgpu();
    expect(whys()).toEqual(['no-gpu']);
  });
});
