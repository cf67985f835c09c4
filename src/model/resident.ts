/**
 * A model on weights that somebody else keeps in GPU buffers and may change between two answers: they are inputs of every run of its session.
 * What changes them (kernels/webgpu/resident.ts) is not known here.
 */

import type { TensorInfo } from '../core/tensor.ts';
import type { Folder } from '../files/folder.ts';
import type { JsonObject } from '../files/json.ts';
import { type ModelGraph, modelGraph } from '../graph/graph.ts';
import type { Runtime } from './runtime.ts';
import { checkSize, createSession, graphOptions, type Model, openModel, startTokenizer } from './session.ts';
import type { Session } from './step.ts';

/** A checkpoint whose weights are not read from its folder. */
export interface Described {
  /** Config and tokenizer. */
  folder: Folder;
  config: JsonObject;
  tensors: ReadonlyMap<string, TensorInfo>;
}

/**
 * The graph of a model with weights as inputs; `graph.weights` is what there must be a buffer for.
 * Throws what `modelGraph` throws, and AppError 'model-too-large' where the device cannot bind one of them.
 */
export function residentGraph(runtime: Runtime, { config, tensors }: Described): ModelGraph {
  const graph = modelGraph(config, tensors, { ...graphOptions(runtime, 'f32'), weights: 'inputs' });
  checkSize(runtime, graph);
  return graph;
}

/**
 * @param runtime with a device
 * @param buffers float32, by the names of `graph.weights`; they must live on the runtime's device and as long as the model. They may be
 *                written to while no step runs: what is submitted inside of `runtime.exclusive` is.
 * Rejects with AppError 'runtime-failed' or 'device-lost'.
 */
export async function openResidentModel(
  runtime: Runtime,
  { folder, config }: Described,
  graph: ModelGraph,
  buffers: ReadonlyMap<string, GPUBuffer>,
): Promise<Model> {
  const tokenizer = startTokenizer(runtime, folder, graph.decoder.vocabulary);
  return openModel(runtime, folder, config, graph, tokenizer, async () => {
    const session = await createSession(runtime, graph);
    const weights = Object.fromEntries(
      graph.weights.map(({ name, shape }) => [
        name,
        runtime.ort.Tensor.fromGpuBuffer(buffers.get(name)!, { dataType: 'float32', dims: shape }),
      ]),
    );
    const facade: Session = {
      run: (feeds) => session.run({ ...feeds, ...weights }),
      release: () => session.release(),
    };
    return facade;
  });
}
