/** From the name of a backend to the backend. Nothing falls back in silence: what is asked for runs, or the caller hears why not. */

import { AppError } from '../core/errors.ts';
import type { Backend, BackendChoice, BackendWish, Kernels } from './kernels.ts';
import { referenceKernels } from './reference.ts';
import { loadWasmKernels } from './wasm/loader.ts';
import { widening } from './widening.ts';

/** Kernels that take every float type. @throws AppError 'backend-unavailable'; always for 'webgpu', whose merge kernels are not written yet */
export async function loadKernels(backend: Backend, _onFallback?: (reason: string) => void): Promise<Kernels> {
  if (backend === 'reference') return referenceKernels;
  if (backend === 'wasm') return widening(await loadWasmKernels());
  throw new AppError(
    'backend-unavailable',
    'Merging on the GPU is not available: this version has no WebGPU merge kernels.',
    'Choose WebAssembly. Merging is bound by the disk, not by arithmetic, so little is lost.',
    { backend },
  );
}

/** What the wish comes to on this computer. */
export async function chooseBackend(wish: BackendWish): Promise<BackendChoice> {
  if (wish === 'auto') return { backend: 'wasm', why: 'no-gpu' };
  return { backend: wish, why: 'asked' };
}
