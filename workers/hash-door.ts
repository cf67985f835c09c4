/** What a merge worker sees of the hash worker: its own files, by the numbers it gives them. */

import { transfer } from 'comlink';
import type { FileHash, Hasher } from '../src/files/hash/hasher.ts';

/** @param hasher may still be on its way: a file given up before it came is given up when it comes */
export function hashDoor(hasher: Promise<Hasher>) {
  const files = new Map<number, Promise<FileHash>>();
  return {
    async open(file: number): Promise<void> {
      const opened = hasher.then((one) => one.open());
      files.set(file, opened);
      await opened;
    },
    async update(file: number, bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
      const buffer = await (await files.get(file)!).update(bytes);
      return transfer(buffer, [buffer]);
    },
    async hex(file: number): Promise<string> {
      const hex = await (await files.get(file)!).hex();
      files.delete(file);
      return hex;
    },
    async abandon(file: number): Promise<void> {
      const opened = files.get(file);
      files.delete(file);
      // Whoever opened it was told why it could not be.
      (await opened?.catch(() => undefined))?.abandon();
    },
  };
}

export type HashDoor = ReturnType<typeof hashDoor>;
