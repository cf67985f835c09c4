/** The hash of weights while they are written: WebAssembly, several files together. OpenSSL (through Node) knows the right answers. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { hasherOf, plainHasher } from '../../src/files/hash/hasher.ts';
import { type HashModule, loadHashModule } from '../../src/files/hash/module.ts';
import { buildHash } from '../../tools/run/kernels.mjs';

let module: HashModule;
/** How many streams each call of the module took together. */
let calls: number[];

beforeAll(async () => {
  const compiled = await loadHashModule(new Uint8Array(await readFile(await buildHash())));
  module = {
    compress(parts, bytes) {
      calls.push(parts.length);
      compiled.compress(parts, bytes);
    },
  };
});

const openssl = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const noise = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => ((i + seed) * 2654435761) >>> 24);

async function hashed(hasher: typeof plainHasher, bytes: Uint8Array, step: (piece: number) => number): Promise<string> {
  const hash = hasher.open();
  await Promise.resolve(); // all files of a test are open before the first piece comes
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const next = Math.min(bytes.length, at + step(piece));
    await hash.update(bytes.slice(at, next));
    at = next;
  }
  return hash.hex();
}

describe('the hash of weights', () => {
  test('is OpenSSL’s at every length around the block borders', async () => {
    calls = [];
    const hasher = hasherOf(module);
    for (let length = 0; length <= 200; length++) {
      const bytes = noise(length, length);
      expect(await hashed(hasher, bytes, () => 61)).toBe(openssl(bytes));
    }
  });

  test.each([1, 2, 3, 4, 5, 9])(
    'is right for %i files at once, of different lengths and in uneven pieces',
    async (count) => {
      calls = [];
      const hasher = hasherOf(module);
      const files = Array.from({ length: count }, (_, i) => noise(200_000 + 77_777 * i, i));
      const steps = (i: number) => (piece: number) => 1 + ((piece * 40_009 + i * 977) % 90_001);
      const found = await Promise.all(files.map((bytes, i) => hashed(hasher, bytes, steps(i))));
      expect(found).toEqual(files.map(openssl));
      expect(Math.max(...calls)).toBe(Math.min(4, count));
    },
  );

  test('of a file that stands still does not hold up the others', async () => {
    calls = [];
    const hasher = hasherOf(module);
    hasher.open(); // no piece of it ever comes
    const bytes = noise(500_000, 3);
    expect(await hashed(hasher, bytes, () => 100_000)).toBe(openssl(bytes));
  });

  test('does not wait for a file that was given up', async () => {
    calls = [];
    const hasher = hasherOf(module);
    const [kept, dropped] = [hasher.open(), hasher.open()];
    const bytes = noise(300_000, 5);
    const waiting = kept.update(bytes.slice());
    dropped.abandon();
    await waiting;
    expect(await kept.hex()).toBe(openssl(bytes));
    expect(calls.every((streams) => streams === 1)).toBe(true);
  });

  test('gives every buffer back once it is hashed', async () => {
    calls = [];
    const hash = hasherOf(module).open();
    const pieces = [noise(1000, 1), noise(64, 2), noise(70_000, 3)].map((bytes) => bytes.slice());
    const back = await Promise.all(pieces.map((bytes) => hash.update(bytes)));
    expect(back.map((buffer) => buffer.byteLength)).toEqual([1000, 64, 70_000]);
    expect(await hash.hex()).toBe(openssl(Buffer.concat([noise(1000, 1), noise(64, 2), noise(70_000, 3)])));
  });

  test('equals the plain one', async () => {
    calls = [];
    const bytes = noise(123_457, 9);
    const step = () => 10_007;
    expect(await hashed(plainHasher, bytes, step)).toBe(await hashed(hasherOf(module), bytes, step));
  });
});
