/** Every float32 there is, rounded by the kernels in WebAssembly and by core/dtype.ts: the same bytes, or the first pattern that differs. */

/** Patterns at a time. */
const PIECE = 2 ** 22;

/** @throws Error with the first pattern that differs, by type */
export async function exactRoundings({ loadWasmKernels, encodeFloats }, bytes) {
  const kernels = await loadWasmKernels(bytes);
  for (const dtype of ['F16', 'BF16', 'F8_E4M3', 'F8_E5M2']) {
    const started = performance.now();
    for (let first = 0; first < 2 ** 32; first += PIECE) compare(kernels, encodeFloats, dtype, first);
    console.log(`${dtype}: all 2^32 patterns alike (${Math.round((performance.now() - started) / 1000)} s)`);
  }
}

function compare(kernels, encodeFloats, dtype, first) {
  const words = new Uint32Array(PIECE);
  for (let i = 0; i < PIECE; i++) words[i] = first + i;
  const expected = encodeFloats(new Float32Array(words.buffer), dtype);
  const out = { dtype, bytes: new Uint8Array(expected.length) };
  kernels.apply({ kind: 'convert' }, [{ dtype: 'F32', bytes: new Uint8Array(words.buffer) }], out, 0);
  if (Buffer.compare(out.bytes, expected) === 0) return;
  const at = out.bytes.findIndex((byte, i) => byte !== expected[i]);
  const word = words[Math.floor((at * PIECE) / expected.length)];
  throw new Error(`float32 pattern 0x${word.toString(16)} becomes another ${dtype} than core/dtype.ts makes of it.`);
}
