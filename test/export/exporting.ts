/** Exports of the tiny checkpoints, written to a folder of the disk, and transformers.js as anybody has it, on our onnxruntime-web. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { type ExportResult, runExport } from '../../src/export/run.ts';
import type { FolderDescription } from '../../src/files/folder.ts';
import type { Precision } from '../../src/graph/precision.ts';

export const never = new AbortController().signal;

export async function exportInMemory(source: FolderDescription, precision: Precision): Promise<ExportResult> {
  return runExport('a run', source, precision, { kind: 'memory' }, () => {}, never);
}

/** -> the folder's files by path. */
export async function exportedBytes(result: ExportResult): Promise<Map<string, Uint8Array>> {
  if (result.folder?.kind !== 'files') throw new Error('not in memory');
  const files = result.folder.files.map(
    async ({ path, blob }) => [path, new Uint8Array(await blob.arrayBuffer())] as const,
  );
  return new Map(await Promise.all(files));
}

export async function exportToDisk(
  source: FolderDescription,
  precision: Precision,
  place: string,
): Promise<ExportResult> {
  const result = await exportInMemory(source, precision);
  for (const [path, bytes] of await exportedBytes(result)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), bytes);
  }
  return result;
}

type Library = typeof import('@huggingface/transformers');

/** In Node it looks for onnxruntime-node, which is not installed here (tools/absent), unless it finds another at this symbol. */
export async function plainTransformers(): Promise<Library> {
  (globalThis as Record<symbol, unknown>)[Symbol.for('onnxruntime')] ??= ort;
  ort.env.wasm.wasmPaths = new URL('../../node_modules/onnxruntime-web/dist/', import.meta.url).href; // else an address of a content network
  const library = await import('@huggingface/transformers');
  library.env.allowRemoteModels = false;
  return library;
}

/** What `from_pretrained` needs besides the folder only because onnxruntime-web, unlike onnxruntime-node, opens no files by itself. */
export function sessionOptions(place: string, result: Pick<ExportResult, 'files'>) {
  const data = result.files.filter(({ path }) => path.includes('.onnx_data'));
  return {
    executionProviders: ['wasm'],
    externalData: data.map(({ path }) => ({
      path: path.split('/')[1]!,
      data: new Uint8Array(readFileSync(join(place, path))),
    })),
  };
}
