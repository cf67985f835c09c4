/**
 * Brings up the kernels on WebAssembly SIMD (`assembly/`, compiled by tools/run/kernels.mjs). The module imports nothing and holds
 * under a megabyte; one per worker, no shared memory.
 */

import { AppError } from '../../core/errors.ts';
import type { Kernels } from '../kernels.ts';
import { prepare } from '../operands.ts';
import { applyInBlocks } from './blocks.ts';
import { foldInTiles } from './fold.ts';
import { type KernelModule, layOut } from './module.ts';

/**
 * @param source the compiled module; by default fetched from this page's own origin
 * @throws AppError 'backend-unavailable' when it cannot be fetched or this browser cannot compile it
 */
export async function loadWasmKernels(source?: BufferSource | Response | URL): Promise<Kernels> {
  const bytes = await moduleBytes(source ?? new URL('./build/kernels.wasm', import.meta.url));
  const { instance } = await WebAssembly.instantiate(bytes, {}).catch((error: unknown) => {
    throw unavailable('this browser cannot compile WebAssembly SIMD', error);
  });
  const module = instance.exports as unknown as KernelModule;
  const slots = layOut(module);
  return {
    backend: 'wasm',
    parallel: 1,
    apply(op, inputs, out, firstElement) {
      return applyInBlocks(module, slots, prepare(op, inputs, out, firstElement), out, firstElement);
    },
    foldLowRank: (base, matrices, firstElement) => foldInTiles(module, slots, base, matrices, firstElement),
  };
}

async function moduleBytes(source: BufferSource | Response | URL): Promise<BufferSource> {
  if (!(source instanceof URL || source instanceof Response)) return source;
  const response = source instanceof Response ? source : await fetched(source);
  if (!response.ok) throw unavailable(`the server answered ${response.status}`);
  return response.arrayBuffer();
}

async function fetched(url: URL): Promise<Response> {
  try {
    return await fetch(url);
  } catch (error) {
    throw unavailable('the module could not be fetched', error);
  }
}

function unavailable(why: string, error?: unknown): AppError {
  return new AppError(
    'backend-unavailable',
    `The fast arithmetic (WebAssembly) cannot start: ${why}.`,
    'Reload the page. If it stays so, use a current Chrome, Edge, Firefox or Safari.',
    { backend: 'wasm', why, ...(error === undefined ? {} : { cause: String(error) }) },
  );
}
