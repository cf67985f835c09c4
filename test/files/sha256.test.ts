import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { sha256, sha256Hex } from '../../src/files/sha256.ts';

const text = (value: string) => new TextEncoder().encode(value);

describe('SHA-256', () => {
  // FIPS 180-4 examples, NIST "SHA256.pdf" (CSRC cryptographic standards, examples with intermediate values) and the CAVP long message.
  test.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('gives the published hash (vector %#)', (message, expected) => {
    expect(sha256Hex(text(message))).toBe(expected);
  });

  test('agrees with OpenSSL at every length around the block borders, however the bytes are cut', () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 37) & 255);
    for (let length = 0; length <= bytes.length; length++) {
      const whole = bytes.subarray(0, length);
      const expected = createHash('sha256').update(whole).digest('hex');
      expect(sha256Hex(whole)).toBe(expected);
      const pieces = sha256();
      const step = 1 + (length % 71);
      for (let at = 0; at < length; at += step) pieces.update(whole.subarray(at, Math.min(length, at + step)));
      expect(pieces.hex()).toBe(expected);
    }
  });
});
