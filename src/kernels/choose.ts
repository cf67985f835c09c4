/**
 * From what a person asks for to the backend. Nothing falls back in silence: what is asked for runs, or the caller hears why not; what is
 * chosen says why. A GPU whose arithmetic is not the oracle's never writes files.
 */

import { AppError } from '../core/errors.ts';
import { withFallback } from './fallback.ts';
import type { Backend, BackendChoice, BackendWish, Kernels } from './kernels.ts';
import { pace } from './pace.ts';
import { checked, probe } from './probe.ts';
import { referenceKernels } from './reference.ts';
import { loadWasmKernels } from './wasm/loader.ts';
import { isSoftware, nameOf, openDevice, requestAdapter } from './webgpu/device.ts';
import { loadWebgpuKernels } from './webgpu/loader.ts';
import { inPieces } from './webgpu/pieces.ts';

/** A graphics card that the browser offers. */
export interface Gpu {
  name: string;
  /** It computes on the processor. */
  software: boolean;
  /** Its kernels, unchecked. @throws what the browser says where it gives no device */
  open(): Promise<OpenGpu>;
}

interface OpenGpu {
  kernels: Kernels;
  /** See inPieces. */
  acrossBytes: number;
  close(): void;
}

/** What choosing needs of the computer. */
export interface Platform {
  gpu(): Promise<Gpu | undefined>;
  wasm(): Promise<Kernels>;
  /** GB/s of half a second. */
  pace(kernels: Kernels): Promise<number>;
}

const browser: Platform = {
  async gpu() {
    const adapter = await requestAdapter();
    if (!adapter) return undefined;
    const open = async () => {
      const device = await openDevice(adapter);
      const acrossBytes = device.limits.maxStorageBufferBindingSize;
      try {
        return { kernels: await loadWebgpuKernels(device), acrossBytes, close: () => device.destroy() };
      } catch (error) {
        device.destroy();
        throw error;
      }
    };
    return { name: nameOf(adapter), software: isSoftware(adapter), open };
  },
  wasm: () => loadWasmKernels(),
  pace: (kernels) => pace(kernels, 500),
};

/**
 * Kernels that take every float type.
 * @param onFallback told once, in a sentence, if the GPU is lost later and WebAssembly does the rest
 * @throws AppError 'backend-unavailable'
 */
export async function loadKernels(
  backend: Backend,
  onFallback: (reason: string) => void = () => {},
  platform: Platform = browser,
): Promise<Kernels> {
  if (backend === 'reference') return referenceKernels;
  if (backend === 'wasm') return platform.wasm();
  const spare = await platform.wasm(); // now, while its file can be fetched
  const { open } = await askedGpu(platform);
  const { kernels, acrossBytes } = open;
  return inPieces(withFallback(checked(kernels), spare, onFallback), { acrossBytes });
}

/**
 * 'auto' looks for a graphics card, and where there is a real one measures for about a second; the other wishes are taken as they are.
 * @throws AppError 'backend-unavailable' for a wish for 'webgpu' that cannot be granted
 */
export async function chooseBackend(wish: BackendWish, platform: Platform = browser): Promise<BackendChoice> {
  if (wish === 'auto') return chooseFaster(platform);
  if (wish !== 'webgpu') return { backend: wish, why: 'asked' };
  const { open, gpu } = await askedGpu(platform);
  open.close();
  return { backend: 'webgpu', why: 'asked', gpu: gpu.name };
}

async function chooseFaster(platform: Platform): Promise<BackendChoice> {
  let gpu: Gpu | undefined;
  try {
    gpu = await platform.gpu();
    if (!gpu) return { backend: 'wasm', why: 'no-gpu' };
    if (gpu.software) return { backend: 'wasm', why: 'software-gpu', gpu: gpu.name };
    return await compare(platform, gpu);
  } catch (error) {
    return { backend: 'wasm', why: 'failed', ...(gpu && { gpu: gpu.name }), detail: wordsOf(error) };
  }
}

async function compare(platform: Platform, gpu: Gpu): Promise<BackendChoice> {
  const { kernels, close } = await gpu.open();
  try {
    const difference = await probe(kernels);
    if (difference) return { backend: 'wasm', why: 'differs', gpu: gpu.name, detail: difference };
    const measured = { wasm: await platform.pace(await platform.wasm()), webgpu: await platform.pace(kernels) };
    const backend = measured.webgpu > measured.wasm ? 'webgpu' : 'wasm';
    return { backend, why: 'faster', gpu: gpu.name, measured };
  } finally {
    close();
  }
}

/** The GPU that somebody asked for by name, open and probed; a software one will do. */
async function askedGpu(platform: Platform): Promise<{ gpu: Gpu; open: OpenGpu }> {
  const gpu = await platform.gpu();
  if (!gpu) throw unavailable('this browser offers no graphics card');
  const open = await gpu.open().catch((error: unknown) => {
    throw unavailable(`${gpu.name} could not be started: ${wordsOf(error)}`);
  });
  const difference = await probe(open.kernels).catch((error: unknown) => {
    open.close();
    throw unavailable(`${gpu.name} could not be checked: ${wordsOf(error)}`);
  });
  if (difference === undefined) return { gpu, open };
  open.close();
  throw unavailable(`${gpu.name} computes differently from the definition. ${difference}`);
}

function unavailable(why: string): AppError {
  return new AppError(
    'backend-unavailable',
    `Merging on the graphics card is not possible: ${why}`,
    'Choose WebAssembly: the bytes are the same, and the disk is slower than either.',
    { backend: 'webgpu', why },
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
