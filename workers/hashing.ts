/** The hasher of a merge worker: the hash worker's once it is connected, otherwise one in this thread. */

import { type Remote, transfer, wrap } from 'comlink';
import { type FileHash, type Hasher, openHasher } from '../src/files/hash/hasher.ts';
import type { HashDoor } from './hash.worker.ts';

let connected: Hasher | undefined;
let own: Promise<Hasher> | undefined;
let files = 0;

export function hashBy(port: MessagePort): void {
  connected = remoteHasher(wrap<HashDoor>(port));
}

/** For bytes that are given away while they are hashed. */
export const hasherOfRun = async (): Promise<Hasher> => connected ?? ownHasher();

/** Of this thread, for bytes that are used again here. */
export function ownHasher(): Promise<Hasher> {
  own ??= openHasher();
  own.catch(() => {
    own = undefined; // a failed fetch may work the next time
  });
  return own;
}

function remoteHasher(door: Remote<HashDoor>): Hasher {
  return {
    open(): FileHash {
      const file = ++files;
      const opened = door.open(file);
      opened.catch(() => {}); // told by the first update
      return {
        async update(bytes) {
          await opened;
          return door.update(file, transfer(bytes, [bytes.buffer]));
        },
        hex: () => door.hex(file),
        abandon: () => void door.abandon(file),
      };
    },
  };
}
