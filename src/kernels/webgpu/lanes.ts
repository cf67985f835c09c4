/**
 * The road to the GPU and back. A lane is a set of buffers for one call at a time; while one lane computes, the other loads. All buffers are
 * made once, so no call allocates on the device. Knows bytes and programs, not arithmetic.
 */

import { AppError } from '../../core/errors.ts';
import { PARAMS_BYTES } from './params.ts';

/**
 * The most bytes of one operand in one run: the 2 MiB of bf16 that the merge reads at a time, folded into float32. A lane holds five such
 * buffers.
 */
export const LANE_BYTES = 4 * 2 ** 20;
/** One to compute and one on the road. */
export const LANES = 2;

/**
 * Browsers end a card that hangs, and then say so; should one not, nobody waits for ever. A software adapter on a busy computer takes some ten
 * seconds for the largest run.
 */
const PATIENCE_SECONDS = 60;

/** changed, nonFinite, workgroups, serial: see merge.wgsl. */
const COUNTS_BYTES = 16;

interface Lane {
  uniform: GPUBuffer;
  inputs: readonly [GPUBuffer, GPUBuffer, GPUBuffer];
  result: GPUBuffer;
  counts: GPUBuffer;
  readback: GPUBuffer;
}

/** One dispatch: the program, what it reads, and where its result goes. */
export interface Dispatch {
  pipeline: GPUComputePipeline;
  workgroups: number;
  serial: number;
  params: Uint32Array<ArrayBuffer>;
  /** For the lane's input buffers, in their order. */
  uploads: readonly Uint8Array[];
  /** Bound in place of the third input. */
  resident?: GPUBuffer;
  /** Written whole when all went well, otherwise not touched. */
  out: Uint8Array;
}

export class Lanes {
  readonly #device: GPUDevice;
  readonly #free: Lane[];
  readonly #waiting: ((lane: Lane) => void)[] = [];
  readonly #tail = new Uint8Array(4);
  /** Why nothing more comes from this device. */
  #lost: string | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#free = Array.from({ length: LANES }, () => makeLane(device));
    device.lost.then(({ message, reason }) => this.#lose(message || reason));
    device.addEventListener('uncapturederror', (event) => this.#lose(event.error.message));
  }

  /**
   * Runs when a lane is free.
   * @param dispatch made when the lane is there, so that nothing is prepared long before it is needed
   * @returns elements that changed and that are not finite, where the program counts them
   * @throws AppError 'device-lost'; then and ever after
   */
  async run(dispatch: () => Dispatch): Promise<{ changed: number; nonFinite: number }> {
    const lane = await this.#take();
    try {
      if (this.#lost !== undefined) throw deviceLost(this.#lost);
      const todo = dispatch();
      this.#submit(lane, todo);
      return await this.#collect(lane, todo);
    } finally {
      this.#give(lane);
    }
  }

  /** A promise of the device whose failure, or silence, is the device's. */
  async alive<T>(promise: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer for a minute')), PATIENCE_SECONDS * 1000);
    });
    try {
      return await Promise.race([promise, silence]);
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
      throw deviceLost(this.#lost!);
    } finally {
      clearTimeout(timer);
    }
  }

  #take(): Promise<Lane> {
    const lane = this.#free.pop();
    return lane ? Promise.resolve(lane) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(lane: Lane): void {
    const next = this.#waiting.shift();
    if (next) next(lane);
    else this.#free.push(lane);
  }

  #lose(why: string): void {
    this.#lost ??= why;
  }

  #submit(lane: Lane, { pipeline, workgroups, params, uploads, resident, out }: Dispatch): void {
    const device = this.#device;
    device.queue.writeBuffer(lane.uniform, 0, params);
    uploads.forEach((bytes, i) => {
      this.#upload(lane.inputs[i]!, bytes);
    });
    const [first, second, third] = lane.inputs;
    const bound = [lane.uniform, first, second, resident ?? third, lane.result, lane.counts];
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(lane.counts);
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: bound.map((buffer, binding) => ({ binding, resource: { buffer } })),
      }),
    );
    pass.dispatchWorkgroups(workgroups);
    pass.end();
    encoder.copyBufferToBuffer(lane.counts, 0, lane.readback, 0, COUNTS_BYTES);
    encoder.copyBufferToBuffer(lane.result, 0, lane.readback, COUNTS_BYTES, wholeWords(out.byteLength));
    device.queue.submit([encoder.finish()]);
  }

  /** Any number of bytes at any address; the device takes whole words only. */
  #upload(buffer: GPUBuffer, bytes: Uint8Array): void {
    const whole = bytes.byteLength & ~3;
    const { queue } = this.#device;
    if (whole > 0) queue.writeBuffer(buffer, 0, bytes, 0, whole);
    if (whole === bytes.byteLength) return;
    this.#tail.set(bytes.subarray(whole));
    queue.writeBuffer(buffer, whole, this.#tail);
  }

  async #collect(lane: Lane, { workgroups, serial, out }: Dispatch): Promise<{ changed: number; nonFinite: number }> {
    const bytes = COUNTS_BYTES + wholeWords(out.byteLength);
    await this.alive(lane.readback.mapAsync(GPUMapMode.READ, 0, bytes));
    const mapped = lane.readback.getMappedRange(0, bytes);
    const [changed, nonFinite, ended, of] = new Uint32Array(mapped, 0, 4);
    // A run that the device refused or cut short leaves the results of an earlier one.
    const complete = ended === workgroups && of === serial && this.#lost === undefined;
    if (complete) out.set(new Uint8Array(mapped, COUNTS_BYTES, out.byteLength));
    lane.readback.unmap();
    if (complete) return { changed: changed!, nonFinite: nonFinite! };
    this.#lose(`${ended} of ${workgroups} workgroups ended`);
    throw deviceLost(this.#lost!);
  }
}

function makeLane(device: GPUDevice): Lane {
  const storage = GPUBufferUsage.STORAGE;
  const input = () => device.createBuffer({ size: LANE_BYTES, usage: storage | GPUBufferUsage.COPY_DST });
  return {
    uniform: device.createBuffer({ size: PARAMS_BYTES, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST }),
    inputs: [input(), input(), input()],
    result: device.createBuffer({ size: LANE_BYTES, usage: storage | GPUBufferUsage.COPY_SRC }),
    counts: device.createBuffer({
      size: COUNTS_BYTES,
      usage: storage | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    }),
    readback: device.createBuffer({
      size: COUNTS_BYTES + LANE_BYTES,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    }),
  };
}

function wholeWords(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

function deviceLost(why: string): AppError {
  return new AppError(
    'device-lost',
    `The graphics card stopped in the middle of the arithmetic: ${why}`,
    'Merge again with WebAssembly: the bytes are the same.',
    { backend: 'webgpu', why },
  );
}
