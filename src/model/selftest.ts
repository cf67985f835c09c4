/**
 * Does the graphics card compute what the CPU computes? Asked before the first model of a kind runs on it, with a miniature of that kind
 * (graph/miniature.ts), pseudo-random weights and a prompt of 48 tokens: the known fault of onnxruntime's attention kernels shows from 32
 * tokens on. A miniature and not the built-in model, because families differ in the kernels they ask for, and nothing has to be fetched.
 */

import { AppError } from '../core/errors.ts';
import { elementCount, type TensorInfo } from '../core/tensor.ts';
import { tensorShapes } from '../graph/form.ts';
import { modelGraph } from '../graph/graph.ts';
import { miniatureConfig } from '../graph/miniature.ts';
import { normalForm } from '../graph/normalize.ts';
import type { Precision } from '../graph/precision.ts';
import { weightBytes, weightsByTensor } from '../graph/weights.ts';
import type { ExternalFile } from './initializers.ts';
import { type Runtime, runtimeOf } from './runtime.ts';
import { logits } from './score.ts';
import { createSession, graphOptions } from './session.ts';

/**
 * Of the largest logit. Sound devices differ by some 1e-5 of it in float32; the fault makes differences as large as the logits themselves.
 */
const TOLERANCE = 1e-3;
/** Halves carry three digits, and some layers lose one of them. */
const TOLERANCE_OF_HALVES = 0.05;
const PROMPT_LENGTH = 48;

/** By runtime, what was found of each kind of model. */
const found = new WeakMap<Runtime, Map<string, Promise<Runtime>>>();

/**
 * The runtime as a model of this config may use it: with fused attention, or with attention step by step where that alone is right.
 * Rejects with AppError 'device-unsound' where neither is, and as `normalForm` does.
 */
export function soundRuntime(runtime: Runtime, config: unknown, precision: Precision): Promise<Runtime> {
  if (runtime.device === undefined) return Promise.resolve(runtime);
  const kinds = found.get(runtime) ?? new Map<string, Promise<Runtime>>();
  found.set(runtime, kinds);
  const miniature = miniatureConfig(config);
  const kind = JSON.stringify([precision, miniature]);
  const known = kinds.get(kind) ?? tried(runtime, miniature, precision);
  kinds.set(kind, known);
  known.catch(() => kinds.delete(kind)); // a test that could not run says nothing about the next
  return known;
}

/** The fused attention is what differs between devices: without it one may be sound that is not with it. */
async function tried(runtime: Runtime, miniature: unknown, precision: Precision): Promise<Runtime> {
  const { floatType } = graphOptions(runtime, precision);
  const halves = precision === 'f16' || (precision !== 'f32' && floatType === 'f16');
  const tolerance = halves ? TOLERANCE_OF_HALVES : TOLERANCE;
  let deviation = 0;
  for (const attention of ['fused', 'spelled-out'] as const) {
    const careful: Runtime = { ...runtime, attention };
    deviation = await largestDeviation(careful, miniature, precision).catch(unlessItFailed);
    if (deviation <= tolerance) return careful;
  }
  throw new AppError(
    'device-unsound',
    `The graphics card computes other numbers than the processor (off by ${deviation.toPrecision(2)} of the largest logit).`,
    'Run this model on the processor; a newer browser or driver may mend it.',
    { deviation, precision },
  );
}

/** Kernels that do not come up at all are as wrong as can be. */
function unlessItFailed(error: unknown): number {
  if (error instanceof AppError && error.code === 'runtime-failed') return Number.POSITIVE_INFINITY;
  throw error;
}

/**
 * The largest difference between logits of the runtime's device and of its own CPU provider, as a share of the largest logit; NaN counts
 * as infinite.
 */
export async function largestDeviation(runtime: Runtime, miniature: unknown, precision: Precision): Promise<number> {
  const prompt = Array.from({ length: PROMPT_LENGTH }, (_, i) => (7 * i + 3) % 64);
  const cpu = runtimeOf(runtime.ort, 'wasm');
  const onDevice = await logitsOn(runtime, miniature, prompt, precision);
  const onCpu = await logitsOn(cpu, miniature, prompt, precision === 'f16' ? 'f32' : precision);
  let [largest, difference] = [0, 0];
  onCpu.forEach((value, i) => {
    const deviation = Math.abs(value - onDevice[i]!);
    difference = Math.max(difference, Number.isNaN(deviation) ? Number.POSITIVE_INFINITY : deviation);
    largest = Math.max(largest, Math.abs(value));
  });
  return difference / Math.max(1, largest);
}

async function logitsOn(
  runtime: Runtime,
  miniature: unknown,
  prompt: number[],
  precision: Precision,
): Promise<Float32Array> {
  const tensors = pseudoRandomTensors(miniature);
  const graph = modelGraph(miniature, tensors, { ...graphOptions(runtime, precision), positions: PROMPT_LENGTH });
  const files = weightsByTensor(graph.weights).flatMap((weights) => {
    const made = weightBytes(tensors.get(weights[0]!.source.tensor)!, weights);
    return weights.map(({ name }, i): ExternalFile => ({ path: name, data: made[i]! }));
  });
  const session = await createSession(runtime, graph, { files, failure: () => undefined });
  try {
    return (await logits({ runtime, graph, session }, [prompt])).data;
  } finally {
    await runtime.exclusive(() => session.release());
  }
}

function pseudoRandomTensors(miniature: unknown) {
  const shapes = [...tensorShapes(normalForm(miniature))];
  return new Map(
    shapes.map(([name, shape], i) => {
      const tensor: TensorInfo & { dtype: 'F32'; bytes: Uint8Array } = {
        name,
        dtype: 'F32',
        shape: [...shape],
        bytes: noise(i, shape),
      };
      return [name, tensor];
    }),
  );
}

/**
 * float32 bytes. Of a matrix numbers whose sums over a row stay near one, of a vector numbers around one half: norms of zero would hide what
 * lies behind them. The multiplicative generator of Park and Miller (CACM 31, 1988), seeded by the tensor.
 */
function noise(tensor: number, shape: readonly number[]): Uint8Array {
  let state = 1 + 7919 * tensor;
  const wide = shape.length > 1 ? 4 / Math.sqrt(shape.at(-1)!) : 1;
  const middle = shape.length > 1 ? 0 : 0.5;
  const values = Float32Array.from({ length: elementCount(shape) }, () => {
    state = (state * 48271) % 0x7fffffff;
    return middle + wide * (state / 0x7fffffff - 0.5);
  });
  return new Uint8Array(values.buffer);
}
