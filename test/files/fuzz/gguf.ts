/** Fuzz of GGUF files: the header, its meaning, and reading through the order of rows that it asks for. */

import { readGgufModel } from '../../../src/files/gguf/model.ts';
import { reorderRows } from '../../../src/files/gguf/row-order.ts';
import { EMBEDDING, EMBEDDING_BYTES, ggufFile, LLAMA_ENTRIES } from '../build-gguf.ts';
import { fixture } from '../fixtures.ts';
import { type Fuzz, guarded, mutate, outcome, type Random } from './outcome.ts';

const SMALL = ggufFile({
  entries: [
    ...LLAMA_ENTRIES,
    ['general.alignment', 32],
    ['llama.rope.freq_base', { f32: 10_000 }],
    ['tokens', ['a', 'b']],
  ],
  parts: [
    EMBEDDING,
    { name: 'blk.0.attn_q.weight', dimensions: [8, 8], type: 30, offset: 128 },
    { name: 'blk.0.attn_norm.weight', dimensions: [8], type: 0, offset: 256 },
  ],
  data: new Uint8Array([...EMBEDDING_BYTES, ...new Uint8Array(160)]),
});
const SEEDS = [SMALL, SMALL, ...['llama-bf16', 'qwen2-bf16', 'quantized'].map((name) => fixture(`gguf/${name}.gguf`))];
/** Bytes of the longest header among the seeds: mutations of tensors would find nothing. */
const HEADER_BYTES = 3000;

function mutateHeader(original: Uint8Array, random: Random): Uint8Array {
  const header = mutate(original.subarray(0, HEADER_BYTES), random);
  const rest = original.subarray(HEADER_BYTES);
  const out = new Uint8Array(header.length + rest.length);
  out.set(header);
  out.set(rest, header.length);
  return out;
}

/** One field changed in place, so that everything behind it is still where it was. */
function setField(original: Uint8Array, random: Random): Uint8Array {
  const bytes = original.slice();
  const at = random(Math.min(bytes.length, HEADER_BYTES) - 8);
  const view = new DataView(bytes.buffer);
  if (random(2) === 0) view.setUint8(at, random(256));
  else view.setBigUint64(at, BigInt(random(2) === 0 ? random(300) : 2 ** random(64)), true);
  return bytes;
}

export const ggufFuzz: Fuzz = {
  generate(random) {
    const seed = SEEDS[random(SEEDS.length)]!;
    return random(2) === 0 ? mutateHeader(seed, random) : setField(seed, random);
  },
  run: (bytes) =>
    outcome(async () => {
      const { tensors, orders } = await readGgufModel(guarded(bytes), 'fuzz.gguf');
      const source = reorderRows(guarded(bytes, 1e9), orders);
      for (const { name, start, end } of tensors) {
        if (!(start >= 0 && start <= end && end <= bytes.length)) throw new Error(`${name} at ${start}..${end}`);
        const middle = Math.floor((start + end) / 2);
        const read = await source.slice(Math.min(start + 1, middle), middle);
        if (read.length !== middle - Math.min(start + 1, middle)) throw new Error(`${read.length} bytes of ${name}`);
      }
    }),
};
