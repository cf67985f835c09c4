/**
 * The logits of a checkpoint in its own numbers, whatever its size: some blocks at a time get a session, compute what they add, and make
 * room for the next. Slow, and made for one short text: it is what a model in fewer bits is compared with.
 */

import type * as Ort from 'onnxruntime-web';
import { cancelled } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import type { Checkpoint } from '../files/checkpoint.ts';
import type { Folder } from '../files/folder.ts';
import { type Segment, STREAM_IN, STREAM_OUT } from '../graph/decoder.ts';
import { type Decoder, linearsOf } from '../graph/form.ts';
import { modelGraph } from '../graph/graph.ts';
import { normalize } from '../graph/normalize.ts';
import { runtimeFailure } from './failure.ts';
import { type Runtime, runtimeOf } from './runtime.ts';
import { createCheckpointSession } from './session.ts';
import { emptyCache } from './step.ts';

/** float32 bytes of the blocks that get a session together: enough that a small model is one, little beside what a tab has. */
const SEGMENT_BYTES = 2 ** 26;

/**
 * float32 [ids, vocabulary], on the CPU of the runtime's own onnxruntime, which must be idle.
 * Rejects as `openInitializers` and running do; with AbortError once `signal` aborts.
 */
export async function blockwiseLogits(
  runtime: Runtime,
  folder: Folder,
  checkpoint: Pick<Checkpoint, 'config' | 'tensors'>,
  ids: readonly number[],
  onProgress: OnProgress,
  signal: AbortSignal,
  segmentBytes = SEGMENT_BYTES,
): Promise<Float32Array> {
  const cpu = runtimeOf(runtime.ort, 'wasm');
  const decoder = normalize(checkpoint.config, checkpoint.tensors);
  const segments = segmentsOf(decoder, segmentBytes);
  let stream: Ort.Tensor | undefined;
  for (const [index, segment] of segments.entries()) {
    if (signal.aborted) throw cancelled();
    const graph = modelGraph(checkpoint.config, checkpoint.tensors, { positions: ids.length, segment });
    const session = await createCheckpointSession(cpu, folder, checkpoint, graph, () => {}, 'once');
    try {
      const outputs = await cpu.exclusive(() => session.run(feedsOf(cpu, graph, segment, ids, stream)));
      stream = outputs[STREAM_OUT] ?? outputs.logits!;
    } catch (error) {
      throw runtimeFailure(error, 'the model was compared with itself');
    } finally {
      await cpu.exclusive(() => session.release());
    }
    onProgress({ label: folder.name, done: index + 1, total: segments.length, unit: 'steps' });
  }
  return stream!.data as Float32Array;
}

function segmentsOf(decoder: Decoder, segmentBytes: number): Segment[] {
  const numbers = linearsOf(decoder.blocks[0]!).reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0);
  const together = Math.max(1, Math.floor(segmentBytes / (4 * numbers)));
  const blocks = decoder.blocks.length;
  const count = Math.ceil(blocks / together);
  return Array.from({ length: count }, (_, i) => ({ from: i * together, to: Math.min(blocks, (i + 1) * together) }));
}

function feedsOf(
  runtime: Runtime,
  graph: ReturnType<typeof modelGraph>,
  { from, to }: Segment,
  ids: readonly number[],
  stream: Ort.Tensor | undefined,
): Record<string, Ort.Tensor> {
  const int64 = (values: readonly number[], dims: number[]) =>
    new runtime.ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  const shape = [1, ids.length];
  const past: Record<string, Ort.Tensor> = {};
  for (const [name, tensor] of Object.entries(emptyCache({ runtime, graph }, 1))) {
    const block = Number(name.split('.')[1]);
    if (block >= from && block < to) past[name] = tensor;
  }
  return {
    ...past,
    ...(stream === undefined ? { input_ids: int64(ids, shape) } : { [STREAM_IN]: stream }),
    attention_mask: int64(
      ids.map(() => 1),
      shape,
    ),
    position_ids: int64(
      ids.map((_, i) => i),
      shape,
    ),
    ...(to === graph.decoder.blocks.length ? { num_logits_to_keep: int64([0], []) } : {}),
  };
}
