/** Small model folders made in code. Headers are written by hand here, not by the code under test, so that they can lie. */

import type { Dtype } from '../../src/core/dtype.ts';
import { type Folder, type FolderDescription, openFolder } from '../../src/files/folder.ts';

export interface TestTensor {
  name: string;
  dtype: Dtype;
  shape: number[];
  bytes: Uint8Array;
}

/** Length field + any header text + any data. */
export function rawSafetensors(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
  claimedLength?: bigint,
): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, claimedLength ?? BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

/** An honest file; tensors in the order given. */
export function safetensorsFile(tensors: readonly TestTensor[], metadata?: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const data: number[] = [];
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [data.length, data.length + bytes.length] };
    for (const byte of bytes) data.push(byte);
  }
  return rawSafetensors(JSON.stringify(header), Uint8Array.from(data));
}

export type FileContent = Uint8Array | string | object;

/** Files in memory as a folder description: text and bytes as they are, objects as JSON. */
export function folderOf(name: string, files: Record<string, FileContent>): FolderDescription {
  const entries = Object.entries(files).map(([path, content]) => ({ path, blob: new Blob([toPart(content)]) }));
  return { kind: 'files', name, files: entries };
}

export function openedFolder(name: string, files: Record<string, FileContent>): Folder {
  return openFolder(folderOf(name, files));
}

function toPart(content: FileContent): BlobPart {
  if (typeof content === 'string') return content;
  return content instanceof Uint8Array ? (content as Uint8Array<ArrayBuffer>) : JSON.stringify(content);
}

export function f32Bytes(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
