/**
 * Does the graphics card compute what the CPU computes? Asked once per thread before the first model runs on it, with a small model of
 * pseudo-random weights and a prompt of 48 tokens: the known fault of onnxruntime's attention kernels shows from 32 tokens on.
 */

import { elementCount, type TensorInfo } from '../core/tensor.ts';
import { tensorShapes } from '../graph/form.ts';
import { modelGraph } from '../graph/graph.ts';
import { normalForm } from '../graph/normalize.ts';
import type { ModelBackend } from './generation.ts';
import type { ExternalFile } from './initializers.ts';
import { openRuntime, type Runtime, runtimeOf } from './runtime.ts';
import { logits } from './score.ts';
import { createSession } from './session.ts';

/** Sound devices differ by some 1e-5 on logits of magnitude 5; the fault makes differences above 1. */
const TOLERANCE = 1e-3;

const PROMPT_LENGTH = 48;
const CONFIG = {
  model_type: 'llama',
  vocab_size: 64,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
};

export interface SoundRuntime {
  runtime: Runtime;
  /** Why it is another than asked for, or what about it is. */
  note?: string;
}

const found = new WeakMap<Runtime, Promise<SoundRuntime | undefined>>();

/**
 * The runtime for a backend; where the graphics card fails the test, the CPU's, with the reason. Rejects as `openRuntime` does.
 */
export async function openSoundRuntime(backend: ModelBackend, threads?: number): Promise<SoundRuntime> {
  const runtime = await openRuntime(backend, threads);
  if (runtime.device === undefined) return { runtime };
  const sound = found.get(runtime) ?? soundOnDevice(runtime);
  found.set(runtime, sound);
  sound.catch(() => found.delete(runtime)); // a test that failed to run says nothing about the next
  return (
    (await sound) ?? {
      runtime: await openRuntime('wasm', threads),
      note: 'The graphics card computes other numbers than the processor, so the processor runs this model.',
    }
  );
}

/** The fused attention is what differs between devices: without it one may be sound that is not with it. */
async function soundOnDevice(runtime: Runtime): Promise<SoundRuntime | undefined> {
  if ((await largestDeviation(runtime)) <= TOLERANCE) return { runtime };
  const careful: Runtime = { ...runtime, attention: 'spelled-out' };
  if ((await largestDeviation(careful)) > TOLERANCE) return undefined;
  return {
    runtime: careful,
    note: 'The fused attention of this graphics card computes other numbers than the processor, so attention runs step by step there.',
  };
}

/** The largest difference between logits of the runtime's device and of its own CPU provider; NaN counts as infinite. */
export async function largestDeviation(runtime: Runtime): Promise<number> {
  const prompt = Array.from({ length: PROMPT_LENGTH }, (_, i) => (7 * i + 3) % CONFIG.vocab_size);
  const [onDevice, onCpu] = [await logitsOn(runtime, prompt), await logitsOn(runtimeOf(runtime.ort, 'wasm'), prompt)];
  let largest = 0;
  onCpu.forEach((value, i) => {
    const deviation = Math.abs(value - onDevice[i]!);
    largest = Math.max(largest, Number.isNaN(deviation) ? Number.POSITIVE_INFINITY : deviation);
  });
  return largest;
}

async function logitsOn(runtime: Runtime, prompt: number[]): Promise<Float32Array> {
  const shapes = [...tensorShapes(normalForm(CONFIG))].map(([name, shape]): [string, number[]] => [name, [...shape]]);
  const tensors = new Map(shapes.map(([name, shape]): [string, TensorInfo] => [name, { name, dtype: 'F32', shape }]));
  const graph = modelGraph(CONFIG, tensors, { attention: runtime.attention });
  const files = shapes.map(([name, shape], i): ExternalFile => ({ path: name, data: noise(i, elementCount(shape)) }));
  const session = await createSession(runtime, graph, { files, failure: () => undefined });
  try {
    return (await logits({ runtime, graph, session }, [prompt])).data;
  } finally {
    await runtime.exclusive(() => session.release());
  }
}

/** float32 bytes of numbers between -0.5 and 0.5; the multiplicative generator of Park and Miller (CACM 31, 1988), seeded by the tensor. */
function noise(tensor: number, count: number): Uint8Array {
  let state = 1 + 7919 * tensor;
  const values = Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 0x7fffffff;
    return state / 0x7fffffff - 0.5;
  });
  return new Uint8Array(values.buffer);
}
