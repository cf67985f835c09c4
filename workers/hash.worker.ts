/** Hashes what merge workers write, off their threads. A merge worker hands buffers over a port of its own and gets them back. */

import { expose, transfer } from 'comlink';
import { type FileHash, openHasher } from '../src/files/hash/hasher.ts';
import { serve } from './wire.ts';

const hasher = openHasher();
hasher.catch(() => {}); // told to whoever asks first

/** One merge worker's files, by the numbers it gives them. */
function door() {
  const files = new Map<number, FileHash>();
  return {
    open: async (file: number) => void files.set(file, (await hasher).open()),
    async update(file: number, bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
      const buffer = await files.get(file)!.update(bytes);
      return transfer(buffer, [buffer]);
    },
    async hex(file: number): Promise<string> {
      const hex = await files.get(file)!.hex();
      files.delete(file);
      return hex;
    },
    abandon(file: number): void {
      files.get(file)?.abandon();
      files.delete(file);
    },
  };
}

export type HashDoor = ReturnType<typeof door>;

const api = { connect: (port: MessagePort) => expose(door(), port) };

export type HashWorkerApi = typeof api;

serve(api);
