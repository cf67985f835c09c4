/**
 * The one door to tensor bytes: a weight file whose positions are those of its TensorRefs and whose tensors lie in Hugging Face's
 * order. Everyone who reads tensors opens files here instead of with `folder.open`.
 */

import type { Folder } from './folder.ts';
import { readGgufModel } from './gguf/model.ts';
import { reorderRows } from './gguf/row-order.ts';
import type { ByteSource } from './source.ts';

/** Per folder and file, so that the header of a GGUF file is read once, not once per tensor. */
const opened = new WeakMap<Folder, Map<string, Promise<ByteSource>>>();

/** Rejects as `folder.open` and, for GGUF files, as `readGgufModel` do. Bytes outside of tensors are those of the file. */
export async function openWeightFile(folder: Folder, file: string): Promise<ByteSource> {
  if (!file.endsWith('.gguf')) return folder.open(file);
  const files = opened.get(folder) ?? new Map<string, Promise<ByteSource>>();
  opened.set(folder, files);
  const known = files.get(file);
  if (known) return known;
  const source = openGguf(folder, file);
  files.set(file, source);
  source.catch(() => files.delete(file)); // as in folder.ts: the next try looks again
  return source;
}

async function openGguf(folder: Folder, file: string): Promise<ByteSource> {
  const source = await folder.open(file);
  const { orders } = await readGgufModel(source, file);
  return orders.length > 0 ? reorderRows(source, orders) : source;
}
