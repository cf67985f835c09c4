/** From a checkpoint's description to everything a runtime needs but the weights themselves: the one door of this room. */

import { type FloatDtype, isFloatDtype } from '../core/dtype.ts';
import { AppError } from '../core/errors.ts';
import { elementCount, type TensorInfo } from '../core/tensor.ts';
import { decoderGraph } from './decoder.ts';
import { type Decoder, normalize } from './families.ts';
import { type ExternalTensor, encodeModel, type WeightsFrom } from './onnx.ts';

/** The rotation tables cover this many positions unless asked otherwise: 2 MiB for heads of 128, while a config may claim 10^6. */
const DEFAULT_POSITIONS = 4096;

export interface ModelGraph {
  decoder: Decoder;
  /** An ONNX model whose weights are external files (or inputs), one per tensor, each called as the tensor is. */
  onnx: Uint8Array;
  /** What those must hold: float32 in row-major order. */
  weights: ExternalTensor[];
  /** Longest context, prompt and answer together, in tokens. */
  positions: number;
  /** Numbers in the weights; a tied embedding counts once. */
  parameters: number;
}

export interface GraphOptions {
  /** Longest context to cover, where the model allows it. */
  positions?: number;
  /** 'files' unless they change while the session lives. */
  weights?: WeightsFrom;
}

/**
 * @param config  config.json, parsed
 * @param tensors names, dtypes and shapes of the checkpoint
 * Throws what `normalize` throws, and AppError 'dtype-unsupported' for weights that are not floats. Reads nothing.
 */
export function modelGraph(
  config: unknown,
  tensors: ReadonlyMap<string, TensorInfo>,
  { positions = DEFAULT_POSITIONS, weights = 'files' }: GraphOptions = {},
): ModelGraph {
  const decoder = normalize(config, tensors);
  const covered = Math.min(decoder.maxPositions, positions);
  const graph = decoderGraph(decoder, covered);
  for (const weight of graph.weights) requireFloat(tensors.get(weight.name)!);
  return {
    decoder,
    onnx: encodeModel(graph, weights),
    weights: graph.weights,
    positions: covered,
    parameters: graph.weights.reduce((sum, weight) => sum + elementCount(weight.shape), 0),
  };
}

function requireFloat(tensor: TensorInfo): FloatDtype {
  if (isFloatDtype(tensor.dtype)) return tensor.dtype;
  throw new AppError(
    'dtype-unsupported',
    `${tensor.name} is stored as ${tensor.dtype}, which cannot be run here.`,
    'Open a checkpoint with float weights, such as F32, F16 or BF16.',
    { tensor: tensor.name, dtype: tensor.dtype },
  );
}
