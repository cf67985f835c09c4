/**
 * A writer for the wire format of Protocol Buffers: varints, 32-bit floats and length-delimited fields, which is all that ONNX needs
 * (https://protobuf.dev/programming-guides/encoding/). It knows no messages; onnx.ts does. Nothing here reads.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Appends fields to a growing buffer. Every method returns the message, so that fields chain. */
export interface Message {
  /** int32, int64, uint64, bool, enum. Negative values become ten bytes of two's complement, as the format wants. */
  int(field: number, value: number | bigint): Message;
  float(field: number, value: number): Message;
  bytes(field: number, value: Uint8Array): Message;
  text(field: number, value: string): Message;
  message(field: number, value: Message): Message;
  /** A copy of what was written so far. */
  encode(): Uint8Array;
}

export function message(): Message {
  let buffer = new Uint8Array(256);
  let length = 0;

  const reserve = (bytes: number): void => {
    if (length + bytes <= buffer.length) return;
    const larger = new Uint8Array(Math.max(buffer.length * 2, length + bytes));
    larger.set(buffer.subarray(0, length));
    buffer = larger;
  };
  const varint = (value: number | bigint): void => {
    reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      buffer[length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    buffer[length++] = Number(rest);
  };
  const key = (field: number, wireType: number): void => varint((field << 3) | wireType);

  const self: Message = {
    int(field, value) {
      key(field, VARINT);
      varint(value);
      return self;
    },
    float(field, value) {
      key(field, FIXED32);
      reserve(4);
      new DataView(buffer.buffer).setFloat32(length, value, true);
      length += 4;
      return self;
    },
    bytes(field, value) {
      key(field, LENGTH_DELIMITED);
      varint(value.length);
      reserve(value.length);
      buffer.set(value, length);
      length += value.length;
      return self;
    },
    text: (field, value) => self.bytes(field, new TextEncoder().encode(value)),
    message: (field, value) => self.bytes(field, value.encode()),
    encode: () => buffer.slice(0, length),
  };
  return self;
}
