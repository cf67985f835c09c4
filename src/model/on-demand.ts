/**
 * A file for onnxruntime whose bytes are made when they are asked for. onnxruntime (1.30, both builds) takes external data as a Uint8Array,
 * compares its `byteLength` with what the graph says, and copies `subarray(offset, offset + length)` into its own memory, file by file: an
 * array that makes its bytes in `subarray` spares the second copy of all weights. Whatever else is done with it, it is empty.
 */

export class OnDemand extends Uint8Array {
  readonly #read: () => Uint8Array;

  constructor(bytes: number, read: () => Uint8Array) {
    super(0);
    this.#read = read;
    Object.defineProperty(this, 'byteLength', { value: bytes });
  }

  /** All of it: what onnxruntime asks for, since every file is one tensor. */
  override subarray(begin = 0, end = this.byteLength): Uint8Array<ArrayBuffer> {
    if (begin !== 0 || end !== this.byteLength) throw new RangeError(`${begin}..${end} of ${this.byteLength} bytes`);
    const bytes = this.#read();
    if (bytes.byteLength !== this.byteLength)
      throw new RangeError(`${bytes.byteLength} instead of ${this.byteLength} bytes`);
    return bytes as Uint8Array<ArrayBuffer>;
  }
}
