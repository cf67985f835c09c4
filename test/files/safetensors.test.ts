import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AppError } from '../../src/core/errors.ts';
import { layoutShard } from '../../src/files/layout.ts';
import { readHeader } from '../../src/files/safetensors.ts';
import { type ByteSource, blobSource, memorySource } from '../../src/files/source.ts';
import { f32Bytes, rawSafetensors } from './build.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/files');
const fixture = (path: string) => new Uint8Array(readFileSync(join(FIXTURES, path)));

const read = (bytes: Uint8Array) => readHeader(memorySource(bytes), 'model.safetensors');

/** The error a file is refused with. */
async function refusal(bytes: Uint8Array): Promise<AppError> {
  return read(bytes).then(
    () => expect.fail('the file was accepted'),
    (error: AppError) => error,
  );
}

/** One header entry as text. */
const entry = (name: string, from: number, to: number, shape: unknown = [(to - from) / 4], dtype = 'F32') =>
  `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [from, to] })}`;

describe('a file written by the safetensors library', () => {
  const bytes = fixture('mixed.safetensors');
  const facts = JSON.parse(readFileSync(join(FIXTURES, 'mixed.json'), 'utf8')) as Record<
    string,
    { shape: number[]; sha256: string }
  >;

  test('gives every tensor its name, shape and bytes', async () => {
    const { tensors, metadata } = await read(bytes);
    expect(metadata).toEqual({ format: 'pt' });
    expect(tensors.map(({ name }) => name).sort()).toEqual(Object.keys(facts).sort());
    for (const { name, shape, start, end } of tensors) {
      expect(shape).toEqual(facts[name]!.shape);
      expect(createHash('sha256').update(bytes.subarray(start, end)).digest('hex'), name).toBe(facts[name]!.sha256);
    }
  });

  test('has the header that layoutShard writes for the same tensors, byte for byte', async () => {
    const { tensors, metadata, dataStart } = await read(bytes);
    const shuffled = [...tensors].sort((a, b) => ((a.end * 7919) % 101) - ((b.end * 7919) % 101));
    const layout = layoutShard('model.safetensors', shuffled, metadata);
    expect(new TextDecoder().decode(layout.header)).toBe(new TextDecoder().decode(bytes.subarray(0, dataStart)));
    expect(layout.header).toEqual(bytes.subarray(0, dataStart));
    expect(layout.bytes).toBe(bytes.length);
    // Zero-byte tensors share their position with a neighbour, so order among those is not compared.
    expect(new Map(layout.tensors.map((t) => [t.name, t]))).toEqual(new Map(tensors.map((t) => [t.name, t])));
  });

  test('is opened with two reads that end where the tensors begin', async () => {
    const reads: [number, number][] = [];
    const inner = blobSource(new Blob([bytes]));
    const counting: ByteSource = {
      size: inner.size,
      slice: (start, end) => {
        reads.push([start, end]);
        return inner.slice(start, end);
      },
    };
    const { dataStart, sha256 } = await readHeader(counting, 'mixed.safetensors');
    expect(reads).toEqual([
      [0, 8],
      [0, dataStart],
    ]);
    expect(sha256).toBe(createHash('sha256').update(bytes.subarray(0, dataStart)).digest('hex'));
  });
});

describe('a header that lies is refused by name', () => {
  const eight = new Uint8Array(8);
  const cases: [what: string, code: string, bytes: Uint8Array, says: RegExp][] = [
    ['an empty file', 'header-truncated', new Uint8Array(0), /0 bytes/],
    ['seven bytes', 'header-truncated', new Uint8Array(7), /7 bytes/],
    ['a header longer than the file', 'header-truncated', rawSafetensors('{}', eight, 11n), /18 bytes of 19/],
    ['a header of 100 MB and one byte', 'header-too-large', rawSafetensors('{}', eight, 100_000_001n), /100000001/],
    [
      'a header of 2^64 - 1 bytes',
      'header-too-large',
      rawSafetensors('{}', eight, 2n ** 64n - 1n),
      /18446744073709551615/,
    ],
    ['an empty header', 'header-invalid', rawSafetensors(''), /brace/],
    ['leading space', 'header-invalid', rawSafetensors(' {}'), /brace/],
    ['a byte order mark', 'header-invalid', rawSafetensors('\ufeff{}'), /brace/],
    [
      'invalid UTF-8',
      'header-invalid',
      rawSafetensors(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)),
      /UTF-8/,
    ],
    ['broken JSON', 'header-invalid', rawSafetensors('{"a":'), /JSON/],
    ['an entry that is no object', 'header-invalid', rawSafetensors('{"a":3}'), /not an object.*tensor a/],
    ['metadata that is not text', 'header-invalid', rawSafetensors('{"__metadata__":{"a":1}}'), /__metadata__/],
    ['metadata that is a list', 'header-invalid', rawSafetensors('{"__metadata__":["a"]}'), /__metadata__/],
    [
      'a name of 2,000 letters',
      'header-invalid',
      rawSafetensors(`{${entry('a'.repeat(2000), 0, 8)}}`, eight),
      /2000 characters/,
    ],
    ['no dtype', 'header-invalid', rawSafetensors('{"a":{"shape":[],"data_offsets":[0,0]}}'), /dtype/],
    [
      'a dtype nobody knows',
      'dtype-unsupported',
      rawSafetensors(`{${entry('a', 0, 4, [1], 'F4_E2M1')}}`, f32Bytes(1)),
      /F4_E2M1/,
    ],
    [
      'an inherited name as dtype',
      'dtype-unsupported',
      rawSafetensors(`{${entry('a', 0, 4, [1], 'toString')}}`, f32Bytes(1)),
      /toString/,
    ],
    ['a negative dimension', 'header-invalid', rawSafetensors(`{${entry('a', 0, 8, [-1, -2])}}`, eight), /shape/],
    ['a fractional dimension', 'header-invalid', rawSafetensors(`{${entry('a', 0, 8, [0.5, 4])}}`, eight), /shape/],
    [
      'a dimension beyond exact integers',
      'header-invalid',
      rawSafetensors(`{${entry('a', 0, 8, [2 ** 53])}}`, eight),
      /shape/,
    ],
    [
      'a shape whose product overflows',
      'header-invalid',
      rawSafetensors(`{${entry('a', 0, 8, [2 ** 40, 2 ** 40])}}`, eight),
      /too large/,
    ],
    ['a shape that is a text', 'header-invalid', rawSafetensors(`{${entry('a', 0, 8, '2')}}`, eight), /shape/],
    [
      'three offsets',
      'header-invalid',
      rawSafetensors('{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,4,8]}}', eight),
      /data_offsets/,
    ],
    [
      'offsets as texts',
      'header-invalid',
      rawSafetensors('{"a":{"dtype":"U8","shape":[8],"data_offsets":["0","8"]}}', eight),
      /data_offsets/,
    ],
    [
      'offsets in the wrong order',
      'tensor-out-of-bounds',
      rawSafetensors(`{${entry('a', 8, 0, [2])}}`, eight),
      /8\.\.0/,
    ],
    ['a negative offset', 'tensor-out-of-bounds', rawSafetensors(`{${entry('a', -8, 0, [2])}}`, eight), /-8/],
    [
      'an end past the file',
      'tensor-out-of-bounds',
      rawSafetensors(`{${entry('a', 0, 12)}}`, eight),
      /byte 12.*only 8/,
    ],
    [
      'an end far past the file',
      'tensor-out-of-bounds',
      rawSafetensors(`{${entry('a', 0, 2 ** 50)}}`, eight),
      /only 8/,
    ],
    [
      'a size that is not shape times dtype',
      'tensor-size-mismatch',
      rawSafetensors(`{${entry('a', 0, 8, [3])}}`, eight),
      /8 bytes.*12/,
    ],
    [
      'two tensors over each other',
      'tensor-overlap',
      rawSafetensors(`{${entry('a', 0, 8)},${entry('b', 4, 8)}}`, eight),
      /b over a/,
    ],
    [
      'two tensors at one place',
      'tensor-overlap',
      rawSafetensors(`{${entry('a', 0, 8)},${entry('b', 0, 8)}}`, eight),
      /b over a/,
    ],
    ['a hole at the start', 'tensor-hole', rawSafetensors(`{${entry('a', 4, 8)}}`, eight), /4 unexplained.*header/],
    [
      'a hole between tensors',
      'tensor-hole',
      rawSafetensors(`{${entry('a', 0, 4)},${entry('b', 8, 12)}}`, new Uint8Array(12)),
      /4 unexplained.*a and b/,
    ],
    [
      'bytes after the last tensor',
      'tensor-hole',
      rawSafetensors(`{${entry('a', 0, 4)}}`, eight),
      /4 unexplained.*after a/,
    ],
    [
      'a tensor named twice',
      'tensor-duplicate',
      rawSafetensors(`{${entry('a', 0, 4)},${entry('a', 4, 8)}}`, eight),
      /"a" twice/,
    ],
    [
      'a tensor named twice in two spellings',
      'tensor-duplicate',
      rawSafetensors(`{${entry('a', 0, 4)},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight),
      /"a" twice/,
    ],
    [
      'a field named twice',
      'tensor-duplicate',
      rawSafetensors('{"a":{"dtype":"U8","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', eight),
      /"dtype" twice/,
    ],
  ];

  test.each(cases)('%s', async (_, code, bytes, says) => {
    const error = await refusal(bytes);
    expect(error.name).toBe('AppError');
    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
    expect(error.message).toContain('model.safetensors');
    expect(error.hint).not.toBe('');
  });

  test('and a claimed 100 MB header is refused before anything but its length is read', async () => {
    let bytesRead = 0;
    const source: ByteSource = {
      size: 2 ** 40,
      slice: async (start, end) => {
        bytesRead += end - start;
        return rawSafetensors('', new Uint8Array(0), 100_000_001n).slice(start, end);
      },
    };
    await expect(readHeader(source, 'big.safetensors')).rejects.toMatchObject({ code: 'header-too-large' });
    expect(bytesRead).toBe(8);
  });

  test('but names that only look like trouble are tensors like any other', async () => {
    const names = ['__proto__', 'constructor', 'toString', '', '1', 'a"b', '{', '\\'];
    const tensors = names.map((name, i) => entry(name, 4 * i, 4 * i + 4));
    const header = await read(rawSafetensors(`{${tensors.join(',')}}`, new Uint8Array(4 * names.length)));
    expect(header.tensors.map(({ name }) => name)).toEqual(names);
  });
});

describe('what stands in the place of weights that were not downloaded', () => {
  test.each([
    ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n', /Git LFS/],
    ['a web page', '<!DOCTYPE html><html><body>Access denied</body></html>', /is a web page/],
    ['an older web page', '<html><head>', /is a web page/],
  ])('%s is called what it is', async (_, text, says) => {
    const error = await readHeader(blobSource(new Blob([text])), 'model.safetensors').catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'format-unsupported', message: expect.stringMatching(says) });
  });
});
