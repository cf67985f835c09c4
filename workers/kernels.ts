/** The kernels of a worker: compiled once, when first needed. */

import { loadKernels } from '../src/kernels/choose.ts';
import type { Backend, Kernels } from '../src/kernels/kernels.ts';

let kernels: Promise<Kernels> | undefined;
let kernelsOf: Backend | undefined;

export function kernelsFor(backend: Backend): Promise<Kernels> {
  if (!kernels || kernelsOf !== backend) {
    kernelsOf = backend;
    kernels = loadKernels(backend);
    kernels.catch(() => {
      kernels = undefined; // a failed fetch may work the next time
    });
  }
  return kernels;
}
