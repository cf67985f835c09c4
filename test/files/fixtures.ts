/** Reading the committed reference files. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TensorRef } from '../../src/core/tensor.ts';
import { readHeader } from '../../src/files/safetensors.ts';
import { memorySource } from '../../src/files/source.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/files');

export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FIXTURES, path)));
}

/** Every file of a folder by its name. */
export function fixtureFolder(name: string): Record<string, Uint8Array> {
  return Object.fromEntries(readdirSync(join(FIXTURES, name)).map((file) => [file, fixture(`${name}/${file}`)]));
}

/** The tensors of a safetensors fixture, each with its bytes: what another format of the same weights must give. */
export async function expectedTensors(path: string): Promise<Map<string, TensorRef & { bytes: Uint8Array }>> {
  const file = fixture(path);
  const { tensors } = await readHeader(memorySource(file), path);
  return new Map(tensors.map((ref) => [ref.name, { ...ref, bytes: file.slice(ref.start, ref.end) }]));
}
