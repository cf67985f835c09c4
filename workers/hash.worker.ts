/** Hashes what merge workers write, off their threads. A merge worker hands buffers over a port of its own and gets them back. */

import { expose } from 'comlink';
import { openHasher } from '../src/files/hash/hasher.ts';
import { hashDoor } from './hash-door.ts';
import { serve } from './wire.ts';

const hasher = openHasher();
hasher.catch(() => {}); // told to whoever asks first

const api = {
  connect(port: MessagePort): void {
    // What cannot be read is never answered: the other end hears that the port is closed (hashing.ts).
    port.addEventListener('messageerror', () => port.close());
    expose(hashDoor(hasher), port);
  },
};

export type HashWorkerApi = typeof api;

serve(api);
