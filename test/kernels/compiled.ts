/** The WebAssembly kernels in Node: compiled if need be, read from disk. For tests of every room that merges. */

import { readFile } from 'node:fs/promises';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { loadWasmKernels } from '../../src/kernels/wasm/loader.ts';

import { buildKernels } from '../../tools/run/kernels.mjs';

export async function compiledKernels(): Promise<Kernels> {
  return loadWasmKernels(new Uint8Array(await readFile(await buildKernels())));
}
