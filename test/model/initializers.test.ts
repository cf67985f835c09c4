/** Weights that are read when onnxruntime asks for them, in Node with files in memory: the same model as when all is read at once. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { openCheckpoint } from '../../src/files/checkpoint.ts';
import type { Folder } from '../../src/files/folder.ts';
import { memorySource } from '../../src/files/source.ts';
import { modelGraph } from '../../src/graph/graph.ts';
import type { Precision } from '../../src/graph/precision.ts';
import { openInitializers } from '../../src/model/initializers.ts';
import { OnDemand } from '../../src/model/on-demand.ts';
import { logits } from '../../src/model/score.ts';
import { createSession } from '../../src/model/session.ts';
import { fixturePath, largestDifference, readReference, unpack } from '../graph/fixtures.ts';
import { checkpointFolder, nodeRuntime } from './checkpoints.ts';

const NAMES = ['tied', 'gpt2', 'llama3-rope'] as const;

/** A folder whose weight file can be read while the thread waits, as in a worker; `read` is told every such read. */
function waitingFolder(name: (typeof NAMES)[number], read: (bytes: number) => void = () => {}): Folder {
  const folder = checkpointFolder(name);
  const weights = memorySource(new Uint8Array(readFileSync(fixturePath(name, 'model.safetensors'))));
  const source = {
    ...weights,
    sliceNow: (start: number, end: number) => {
      read(end - start);
      return weights.sliceNow!(start, end);
    },
  };
  return { ...folder, open: async (path) => (path === 'model.safetensors' ? source : folder.open(path)) };
}

async function logitsOf(folder: Folder, name: (typeof NAMES)[number], precision: Precision, small: number) {
  const runtime = nodeRuntime();
  const checkpoint = await openCheckpoint(folder);
  const graph = modelGraph(checkpoint.config, checkpoint.tensors, { precision });
  const done: number[] = [];
  const initializers = await openInitializers(
    folder,
    graph.weights,
    checkpoint.tensors,
    (progress) => done.push(progress.done / progress.total),
    small,
  );
  const session = await createSession(runtime, graph, initializers);
  const { data } = await logits({ runtime, graph, session }, [readReference(name).single.ids]);
  await session.release();
  return { data, done, files: initializers.files };
}

describe.each(NAMES)('%s', (name) => {
  it('is the same model whether its weights are read at once or when they are asked for', async () => {
    const reads: number[] = [];
    const asked = await logitsOf(
      waitingFolder(name, (bytes) => reads.push(bytes)),
      name,
      'f32',
      0,
    );
    expect(largestDifference(asked.data, unpack(readReference(name).single.logits))).toBeLessThan(5e-5);
    expect(asked.files.every(({ data }) => data instanceof OnDemand && data.length === 0)).toBe(true);
    expect(reads.length).toBeGreaterThan(10);
    expect(asked.done.at(-1)).toBe(1);
  });

  it.each(['int8', 'int4'] as const)('likewise in %s', async (precision) => {
    const atOnce = await logitsOf(checkpointFolder(name), name, precision, Number.POSITIVE_INFINITY);
    const asked = await logitsOf(waitingFolder(name), name, precision, 0);
    expect(asked.data).toEqual(atOnce.data);
  });
});

it('reads every tensor once, though two weights are made of it', async () => {
  let bytes = 0;
  const folder = waitingFolder('tied', (read) => {
    bytes += read;
  });
  await logitsOf(folder, 'tied', 'f32', 0);
  const { tensors } = await openCheckpoint(folder);
  expect(bytes).toBe([...tensors.values()].reduce((sum, { start, end }) => sum + end - start, 0));
});

it('says what went wrong while onnxruntime asked, not that something did', async () => {
  const gone = new AppError('file-changed', 'It changed.', 'Open it again.');
  const folder = waitingFolder('tied', () => {
    throw gone;
  });
  await expect(logitsOf(folder, 'tied', 'f32', 0)).rejects.toBe(gone);
});

it('gives all of a file or nothing', () => {
  const file = new OnDemand(4, () => new Uint8Array(4));
  expect([file.byteLength, file.subarray(0, 4).length]).toEqual([4, 4]);
  expect(() => file.subarray(1, 4)).toThrow(RangeError);
  expect(() => new OnDemand(4, () => new Uint8Array(3)).subarray()).toThrow(RangeError);
});
