/** Hashing in another worker, over a port: nothing is left behind, and a port that is lost is an error. */

import { createHash } from 'node:crypto';
import { expose } from 'comlink';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Hasher, plainHasher } from '../../src/files/hash/hasher.ts';
import { hashDoor } from '../../workers/hash-door.ts';

let hashing: typeof import('../../workers/hashing.ts');

beforeEach(async () => {
  vi.resetModules();
  hashing = await import('../../workers/hashing.ts');
});

/** The hasher of a merge worker, and the hash worker's end of its port. */
async function connect(hasher: Promise<Hasher>) {
  const { port1, port2 } = new MessageChannel();
  expose(hashDoor(hasher), port2 as unknown as Parameters<typeof expose>[1]);
  hashing.hashBy(port1);
  return { remote: await hashing.hasherOfRun(), near: port1, far: port2 };
}

const silent: Hasher = {
  open: () => ({ update: () => new Promise(() => {}), hex: () => new Promise(() => {}), abandon: () => {} }),
};

describe('a hash worker', () => {
  test('gives the hash and the buffer back', async () => {
    const { remote, far } = await connect(Promise.resolve(plainHasher));
    const file = remote.open();
    expect((await file.update(new TextEncoder().encode('abc'))).byteLength).toBe(3);
    expect(await file.hex()).toBe(createHash('sha256').update('abc').digest('hex'));
    far.close();
  });

  test('that is gone fails what waits for it, and what is asked later', async () => {
    const { remote, far } = await connect(Promise.resolve(silent));
    const file = remote.open();
    const update = file.update(new Uint8Array(8));
    setTimeout(() => far.close(), 5);
    await expect(update).rejects.toThrow('gone');
    await expect(file.hex()).rejects.toThrow('gone');
  });

  test('whose answer cannot be read fails what waits for it', async () => {
    const { remote, near, far } = await connect(Promise.resolve(silent));
    const update = remote.open().update(new Uint8Array(8));
    setTimeout(() => near.dispatchEvent(new Event('messageerror')), 5);
    await expect(update).rejects.toThrow('could not be read');
    far.close();
  });
});

test('a file given up before the hasher was there leaves no stream in it', async () => {
  let come: (hasher: Hasher) => void = () => {};
  const opened = { open: 0, abandoned: 0 };
  const counting: Hasher = {
    open() {
      opened.open++;
      return { ...plainHasher.open(), abandon: () => opened.abandoned++ };
    },
  };
  const door = hashDoor(new Promise((resolve) => (come = resolve)));
  const opening = door.open(1);
  const abandoning = door.abandon(1);
  come(counting);
  await Promise.all([opening, abandoning]);
  expect(opened).toEqual({ open: 1, abandoned: 1 });
});
