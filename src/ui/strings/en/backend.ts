/** Words for what computes a merge, and why that. */

import type { Backend } from '../../../kernels/kernels.ts';

export const backend = {
  names: {
    wasm: 'WebAssembly',
    webgpu: 'WebGPU',
    reference: 'the plain reference',
  } satisfies Record<Backend, string>,
  legend: 'Arithmetic',
  wishes: { auto: 'Automatic', wasm: 'WebAssembly', webgpu: 'WebGPU' },
  chosen: (name: string) => `Computed by ${name}`,
  automatic: (name: string) => `Computed by ${name}, chosen automatically`,
  measuring: 'Finding out what can compute here…',
  same: 'The files that are written are the same either way, byte for byte.',

  asked: 'You chose it.',
  wasmFaster: (wasm: string, webgpu: string) =>
    `WebAssembly works through ${wasm} per second here, the graphics card through ${webgpu}, with the way there and back.`,
  webgpuFaster: (wasm: string, webgpu: string) =>
    `The graphics card works through ${webgpu} per second here, with the way there and back, WebAssembly through ${wasm}.`,
  unmeasured: 'It is the faster one here.',
  noGpu: 'This browser offers no graphics card.',
  software: 'This browser offers only a software graphics card: the processor again, by a longer way.',
  differs: 'Your graphics card computes differently, so files are written by WebAssembly.',
  failed: 'The graphics card could not be used.',
  card: (name: string) => `The graphics card: ${name}.`,

  ranOn: (name: string, card: string) => `${name}, on ${card}`,
  lost: 'The graphics card was lost on the way; the rest was computed in WebAssembly; the bytes are the same.',
} as const;
