/** The shaders, compiled for an op and its types when they are first asked for, and kept. */

import dtypes from './dtypes.wgsl?raw';
import floats from './floats.wgsl?raw';
import fold from './fold.wgsl?raw';
import merge from './merge.wgsl?raw';
import type { Constants } from './params.ts';
import philox from './philox.wgsl?raw';

export class Programs {
  readonly #device: GPUDevice;
  readonly #modules: Record<'merge' | 'fold', GPUShaderModule>;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#modules = {
      merge: device.createShaderModule({ code: floats + dtypes + philox + merge }),
      fold: device.createShaderModule({ code: floats + dtypes + fold }),
    };
  }

  /** Rejects with the device's GPUPipelineError where it cannot compile the program. */
  pipeline(name: 'merge' | 'fold', constants: Constants): Promise<GPUComputePipeline> {
    const key = name + Object.values(constants);
    const made = this.#pipelines.get(key) ?? this.#compile(this.#modules[name], constants);
    this.#pipelines.set(key, made);
    return made;
  }

  #compile(module: GPUShaderModule, constants: Constants): Promise<GPUComputePipeline> {
    return this.#device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module, entryPoint: 'main', constants },
    });
  }
}
