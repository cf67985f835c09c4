/** The road to the GPU where it goes wrong in ways that no real device can be asked for. The device is made up. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Dispatch, Lanes } from '../../src/kernels/webgpu/lanes.ts';

beforeEach(() => {
  vi.stubGlobal('GPUBufferUsage', {});
  vi.stubGlobal('GPUMapMode', {});
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Takes everything and computes nothing; what is mapped are zeros, if at all. */
function fakeDevice(mapAsync: () => Promise<void>) {
  const listeners: ((event: unknown) => void)[] = [];
  const pass = { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {}, end() {} };
  const encoder = { clearBuffer() {}, beginComputePass: () => pass, copyBufferToBuffer() {}, finish() {} };
  let lose: (info: { message: string; reason: string }) => void = () => {};
  const device = {
    lost: new Promise((resolve) => {
      lose = resolve;
    }),
    addEventListener: (_: string, listener: (event: unknown) => void) => listeners.push(listener),
    createBuffer: () => ({ mapAsync, getMappedRange: () => new ArrayBuffer(64), unmap() {} }),
    createBindGroup() {},
    createCommandEncoder: () => encoder,
    queue: { writeBuffer() {}, submit() {} },
  };
  return {
    lanes: new Lanes(device as unknown as GPUDevice),
    lose,
    refuse(message: string) {
      for (const listener of listeners) listener({ error: { message } });
    },
  };
}

const pipeline = { getBindGroupLayout() {} } as unknown as GPUComputePipeline;
const dispatch = (): Dispatch => ({
  pipeline,
  workgroups: 1,
  serial: 1,
  params: new Uint32Array(4),
  uploads: [],
  out: new Uint8Array(4).fill(7),
});
const lostFor = (why: string) =>
  expect.objectContaining({ code: 'device-lost', message: expect.stringContaining(why) });

test('A device that never answers is given up after a minute, for good', async () => {
  vi.useFakeTimers();
  const { lanes } = fakeDevice(() => new Promise(() => {}));
  const first = expect(lanes.run(dispatch)).rejects.toEqual(lostFor('no answer for a minute'));
  await vi.advanceTimersByTimeAsync(60_000);
  await first;
  await expect(lanes.run(dispatch)).rejects.toEqual(lostFor('no answer'));
});

test('Results that the device did not write do not reach the output', async () => {
  const { lanes } = fakeDevice(async () => {});
  const todo = dispatch();
  await expect(lanes.run(() => todo)).rejects.toEqual(lostFor('0 of 1 workgroups'));
  expect([...todo.out]).toEqual([7, 7, 7, 7]);
});

test('A run that waits for a lane when the device is lost is refused, and says why it was lost', async () => {
  const failures: ((error: Error) => void)[] = [];
  const { lanes, lose } = fakeDevice(() => new Promise((_, reject) => failures.push(reject)));
  const runs = [1, 2, 3].map(() => lanes.run(dispatch));
  const refused = runs.map((run) => expect(run).rejects.toEqual(lostFor('the driver was restarted')));
  lose({ message: 'the driver was restarted', reason: 'unknown' });
  await new Promise((resolve) => setTimeout(resolve));
  expect(failures.length).toBe(2); // the third has no lane yet
  for (const fail of failures) fail(new Error('unmapped'));
  await Promise.all(refused);
});

test('A device that refuses anything is believed no more', async () => {
  const { lanes, refuse } = fakeDevice(async () => {});
  refuse('Buffer is too large.');
  await expect(lanes.run(dispatch)).rejects.toEqual(lostFor('Buffer is too large.'));
});
