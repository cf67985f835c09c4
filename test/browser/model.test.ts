/** Models in a real browser, through the worker of the page: both backends against PyTorch, and not one request to another origin. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHECKPOINTS, largestDifference, readReference, unpack } from '../graph/fixtures.ts';
import { readChatReference } from '../model/checkpoints.ts';
import { openTestPage } from './in-page.ts';

/** What the project promises for float32. */
const TOLERANCE = 1e-4;

let dev: Awaited<ReturnType<typeof openTestPage>>;
let webgpu = false;
const inPage: typeof dev.inPage = (...call) => dev.inPage(...call);

beforeAll(async () => {
  dev = await openTestPage('/test/browser/model-page.ts');
  webgpu = await inPage('hasWebGpu');
});
afterAll(() => dev?.close());

describe.each(['wasm', 'webgpu'] as const)('on %s', (backend) => {
  test.for(CHECKPOINTS)('the logits of %s are those of PyTorch', async (name, { skip }) => {
    if (backend === 'webgpu' && !webgpu) skip('no WebGPU adapter here');
    const { single, long } = readReference(name);
    const result = await inPage('logits', name, backend, [single.ids, long.ids]);
    expect([result.backend, result.note, result.dims]).toEqual([backend, undefined, [2, 56, 128]]);
    expect(largestDifference(result.data.slice(0, 13 * 128), unpack(single.logits))).toBeLessThan(TOLERANCE);
    expect(largestDifference(result.data.slice((56 + 48) * 128), unpack(long.logits))).toBeLessThan(TOLERANCE);
  });

  test('the answers of a chat model are those of transformers, each told once', async ({ skip }) => {
    if (backend === 'webgpu' && !webgpu) skip('no WebGPU adapter here');
    const { prompts, answers } = readChatReference();
    const result = await inPage('answers', backend, prompts);
    expect(result.answers.map(({ text, tokens }: { text: string; tokens: number[] }) => ({ tokens, text }))).toEqual(
      answers,
    );
    expect(result.told).toEqual(prompts.map((_, i) => i));
  });
});

test('the self-test tells a device that computes other numbers from ours', async ({ skip }) => {
  if (!webgpu) skip('no WebGPU adapter here');
  const { ours, subgroupMinSize, withSubgroups } = await inPage('deviations');
  expect(ours).toBeLessThan(1e-3);
  if (subgroupMinSize === 4) expect(withSubgroups).toBeGreaterThan(0.1);
});

test('a cancel stops a run of thousands of answers within a second', async () => {
  const { name, milliseconds } = await inPage('cancel');
  expect(name).toBe('AbortError');
  expect(milliseconds).toBeLessThan(1000);
});

test('a merge in memory is loaded as any folder: strength 0 is the fine-tune itself, strength 1 is not', async () => {
  const { single } = readReference('tied');
  expect(largestDifference(await inPage('mergedLogits', 0, [single.ids]), unpack(single.logits))).toBeLessThan(
    TOLERANCE,
  );
  expect(largestDifference(await inPage('mergedLogits', 1, [single.ids]), unpack(single.logits))).toBeGreaterThan(1e-3);
});

test('a missing tokenizer reaches the page as an error for people', async () => {
  expect(await inPage('failure')).toMatchObject({ code: 'tokenizer-missing', data: { file: 'tokenizer.json' } });
});

test('nothing is asked of another origin, by the page or by its workers', async () => {
  const addresses: string[] = [...dev.requests, ...(await inPage('workerRequests'))];
  const origins = new Set(
    addresses.filter((address) => !/^(data|blob):/.test(address)).map((address) => new URL(address).origin),
  );
  expect([...origins]).toEqual([new URL(dev.url).origin]);
  expect(addresses.some((address) => address.includes('ort-wasm-simd-threaded'))).toBe(true);
});
