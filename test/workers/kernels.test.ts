/** Kernels are brought up once per backend, and again after a failure. */

import { expect, test, vi } from 'vitest';
import { kernelsFor } from '../../workers/kernels.ts';

const { loads } = vi.hoisted(() => ({
  loads: [] as { backend: string; fail: (error: Error) => void; done: (kernels: object) => void }[],
}));

vi.mock('../../src/kernels/choose.ts', () => ({
  loadKernels: (backend: string) => new Promise((done, fail) => loads.push({ backend, fail, done })),
}));

test('a backend that fails late does not take away the one that was asked for since', async () => {
  const first = kernelsFor('webgpu').catch(() => 'failed');
  const second = kernelsFor('wasm');
  loads[0]!.fail(new Error('no device'));
  expect(await first).toBe('failed');
  loads[1]!.done({ backend: 'wasm' });
  expect(await kernelsFor('wasm')).toBe(await second);
  expect(loads.map(({ backend }) => backend)).toEqual(['webgpu', 'wasm']);
});
