import { describe, expect, test } from 'vitest';
import { type ByteSource, memorySource } from '../../src/files/source.ts';
import { locateEntry, readZipDirectory } from '../../src/files/torch/zip.ts';
import { fixture } from './fixtures.ts';

const file = fixture('torch/sharded/pytorch_model-00001-of-00002.bin');

/** Opens the archive and finds every entry. */
async function locateAll(bytes: Uint8Array) {
  const source = memorySource(bytes);
  const directory = await readZipDirectory(source, 'w.bin');
  const found = new Map<string, { start: number; end: number }>();
  for (const entry of directory.entries.values()) {
    found.set(entry.name, await locateEntry(source, directory, entry, 'w.bin'));
  }
  return found;
}

/** Places of a record's signature. */
function find(signature: string, bytes = file): number[] {
  const found: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at++) {
    if (signature === String.fromCharCode(...bytes.subarray(at, at + 4))) found.push(at);
  }
  return found;
}
const LOCAL = 'PK\x03\x04';
const CENTRAL = 'PK\x01\x02';
const END = 'PK\x05\x06';
const END64 = 'PK\x06\x06';

/** The archive with one number changed: `bytes` wide, `offset` behind the n-th record of this kind. */
function changed(signature: string, n: number, offset: number, value: number, bytes: 1 | 2 | 4): Uint8Array {
  const out = file.slice();
  const view = new DataView(out.buffer);
  const at = find(signature).at(n)! + offset;
  if (bytes === 1) view.setUint8(at, value);
  else if (bytes === 2) view.setUint16(at, value, true);
  else view.setUint32(at, value, true);
  return out;
}

describe('an archive', () => {
  test('has its entries where their bytes are', async () => {
    const found = await locateAll(file);
    const text = (name: string) => {
      const { start, end } = found.get(name)!;
      return new TextDecoder().decode(file.subarray(start, end));
    };
    const root = [...found.keys()][0]!.split('/')[0]!;
    expect(text(`${root}/byteorder`)).toBe('little');
    expect(text(`${root}/version`)).toBe('3\n');
  });

  test('of more than 4 GB is read by its zip64 sizes', async () => {
    const GB5 = 5_000_000_000;
    const { bytes, size, at } = farArchive(GB5);
    const source: ByteSource = {
      size,
      async slice(start, end) {
        const out = new Uint8Array(end - start);
        if (start < 33) out.set(header(start, Math.min(end, 33)));
        if (end > at) out.set(bytes.subarray(Math.max(0, start - at), end - at), Math.max(0, at - start));
        return out;
      },
    };
    const directory = await readZipDirectory(source, 'w.bin');
    const entry = directory.entries.get('a/b')!;
    expect(entry).toMatchObject({ bytes: GB5, headerAt: 0 });
    expect(await locateEntry(source, directory, entry, 'w.bin')).toEqual({ start: 33, end: 33 + GB5 });
  });

  test('with a comment behind it, as other programs write, is opened', async () => {
    const comment = new TextEncoder().encode('made by hand');
    const out = new Uint8Array([...file, ...comment]);
    new DataView(out.buffer).setUint16(find(END).at(-1)! + 20, comment.length, true);
    expect([...(await locateAll(out)).keys()]).toEqual([...(await locateAll(file)).keys()]);
  });
});

describe('an archive is refused when', () => {
  test.each<[string, Uint8Array, string, RegExp]>([
    ['it is cut off', file.slice(0, -1), 'zip-invalid', /cut off/],
    ['it has a byte too many', new Uint8Array([...file, 0]), 'zip-invalid', /cut off/],
    ['it is too short to be one', new Uint8Array(10), 'zip-invalid', /10 bytes/],
    ['it is one of several disks', changed(END, -1, 4, 1, 2), 'zip-invalid', /one part/],
    ['its two end records differ', changed(END, -1, 10, 3, 2), 'zip-invalid', /two end records/],
    ['its directory begins elsewhere', changed(END64, -1, 48, 5, 4), 'zip-invalid', /differ|does not end/],
    ['its directory claims 2^53 entries', changed(END64, -1, 38, 0x20, 1), 'zip-invalid', /claims/],
    ['an entry has no directory signature', changed(CENTRAL, 1, 0, 0, 4), 'zip-invalid', /damaged directory/],
    ['an entry is encrypted', changed(CENTRAL, 1, 8, 1, 2), 'format-unsupported', /encrypted entry/],
    ['an entry is compressed', changed(CENTRAL, 1, 10, 8, 2), 'format-unsupported', /compressed entry/],
    ['an entry has two sizes', changed(CENTRAL, 1, 20, 7, 4), 'zip-invalid', /two sizes/],
    ['an entry lies over another', changed(CENTRAL, 2, 42, 1, 4), 'zip-invalid', /over another/],
    [
      'an entry runs into the directory',
      changed(CENTRAL, -1, 42, find(CENTRAL)[0]! - 3, 4),
      'zip-invalid',
      /into its directory|over another/,
    ],
    ['an entry has a name of 64 KB', changed(CENTRAL, 1, 28, 0xffff, 2), 'zip-invalid', /damaged directory/],
    ['an entry is not where the directory says', changed(LOCAL, 1, 0, 0, 4), 'zip-invalid', /no entry/],
    ['an entry has another name', changed(LOCAL, 1, 31, 0x7a, 1), 'zip-invalid', /the name of/],
    ['an entry has another compression', changed(LOCAL, 1, 8, 8, 2), 'zip-invalid', /the compression of/],
    ['an entry has another size', changed(LOCAL, 1, 22, 9, 4), 'zip-invalid', /the size of/],
    [
      'the extra field of an entry reaches into the directory',
      changed(LOCAL, -1, 28, 0xffff, 2),
      'zip-invalid',
      /into its directory/,
    ],
  ])('%s', async (_, bytes, code, says) => {
    await expect(locateAll(bytes)).rejects.toMatchObject({
      name: 'AppError',
      code,
      message: expect.stringMatching(says),
    });
  });

  test('a name occurs twice', async () => {
    const bytes = file.slice();
    // "…/data/1" becomes "…/data/0" in the directory and in its own header.
    const name = new TextEncoder().encode('/data/1');
    for (let at = 0; at < bytes.length; at++) {
      if (name.every((byte, i) => bytes[at + i] === byte)) bytes[at + name.length - 1] = 0x30;
    }
    await expect(locateAll(bytes)).rejects.toMatchObject({
      code: 'zip-invalid',
      message: expect.stringMatching(/twice/),
    });
  });
});

/** The local header of "a/b", without data. */
function header(start: number, end: number): Uint8Array {
  const out = new Uint8Array(33);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x04034b50, true);
  view.setUint32(18, 0xffffffff, true);
  view.setUint32(22, 0xffffffff, true);
  view.setUint16(26, 3, true);
  out.set(new TextEncoder().encode('a/b'), 30);
  return out.slice(start, end);
}

/** Everything behind the data of an archive with the one entry "a/b" of `dataBytes` bytes (APPNOTE 4.3.12 to 4.3.16, 4.5.3). */
function farArchive(dataBytes: number): { bytes: Uint8Array; size: number; at: number } {
  const at = 33 + dataBytes;
  const directory = 46 + 3 + 20;
  const bytes = new Uint8Array(directory + 56 + 20 + 22);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint32(20, 0xffffffff, true);
  view.setUint32(24, 0xffffffff, true);
  view.setUint16(28, 3, true);
  view.setUint16(30, 20, true);
  bytes.set(new TextEncoder().encode('a/b'), 46);
  view.setUint16(49, 1, true);
  view.setUint16(51, 16, true);
  view.setBigUint64(53, BigInt(dataBytes), true);
  view.setBigUint64(61, BigInt(dataBytes), true);
  view.setUint32(directory, 0x06064b50, true);
  view.setBigUint64(directory + 4, 44n, true);
  view.setBigUint64(directory + 24, 1n, true);
  view.setBigUint64(directory + 32, 1n, true);
  view.setBigUint64(directory + 40, BigInt(directory), true);
  view.setBigUint64(directory + 48, BigInt(at), true);
  view.setUint32(directory + 56, 0x07064b50, true);
  view.setBigUint64(directory + 64, BigInt(at + directory), true);
  view.setUint32(directory + 76, 0x06054b50, true);
  view.setUint16(directory + 84, 1, true);
  view.setUint16(directory + 86, 1, true);
  view.setUint32(directory + 88, directory, true);
  view.setUint32(directory + 92, 0xffffffff, true);
  return { bytes, size: at + bytes.length, at };
}
