/** Expected bytes are the worked examples of https://protobuf.dev/programming-guides/encoding/ and its rules. */

import { describe, expect, it } from 'vitest';
import { type Message, message } from '../../src/graph/protobuf.ts';

function hex(encoded: Message): string {
  return Buffer.from(encoded.encode()).toString('hex');
}

describe('the wire format', () => {
  it('writes a varint', () => expect(hex(message().int(1, 150))).toBe('089601'));
  it('writes text', () => expect(hex(message().text(2, 'testing'))).toBe('120774657374696e67'));
  it('writes a message in a message', () =>
    expect(hex(message().message(3, message().int(1, 150)))).toBe('1a03089601'));
  it("writes a negative number as ten bytes of two's complement", () =>
    expect(hex(message().int(1, -2))).toBe('08feffffffffffffffff01'));
  it('writes numbers beyond 2^53 exactly', () =>
    expect(hex(message().int(1, 2n ** 63n - 1n))).toBe('08ffffffffffffffff7f'));
  it('writes a float as four little-endian bytes', () => expect(hex(message().float(2, 1))).toBe('150000803f'));
  it('writes text as UTF-8, its length in bytes', () => expect(hex(message().text(1, 'é'))).toBe('0a02c3a9'));
  it('writes a field number above 15 as two bytes', () => expect(hex(message().int(20, 2))).toBe('a00102'));
  it('keeps what it wrote while it grows', () => {
    const long = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
    const encoded = message().int(1, 1).bytes(2, long).int(1, 2).encode();
    expect([...encoded.subarray(0, 6)]).toEqual([0x08, 1, 0x12, 0xa0, 0x8d, 0x06]); // 100000 = 0x186a0
    expect(encoded.subarray(6, -2)).toEqual(long);
    expect([...encoded.subarray(-2)]).toEqual([0x08, 2]);
  });
});
