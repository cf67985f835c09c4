/**
 * The one door to tensor bytes: a weight file whose positions are those of its TensorRefs and whose tensors lie in Hugging Face's
 * order. Everyone who reads tensors opens files here instead of with `folder.open`.
 */

import type { Folder } from './folder.ts';
import type { ByteSource } from './source.ts';

/** Rejects as `folder.open` does. */
export async function openWeightFile(folder: Folder, file: string): Promise<ByteSource> {
  return folder.open(file);
}
