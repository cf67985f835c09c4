/** The kernels of a worker: brought up once, when first needed. */

import { loadKernels } from '../src/kernels/choose.ts';
import type { Backend, Kernels } from '../src/kernels/kernels.ts';

let kernels: Promise<Kernels> | undefined;
let kernelsOf: Backend | undefined;
let fellBack: string | undefined;

export function kernelsFor(backend: Backend): Promise<Kernels> {
  if (!kernels || kernelsOf !== backend) {
    kernelsOf = backend;
    const loading = loadKernels(backend, (reason) => {
      fellBack = reason;
    });
    kernels = loading;
    loading.catch(() => {
      if (kernels === loading) kernels = undefined; // a failed fetch may work the next time
    });
  }
  return kernels;
}

/** Why this worker's graphics card was given up on the way, if it was. */
export const fallbackReason = (): string | undefined => fellBack;
