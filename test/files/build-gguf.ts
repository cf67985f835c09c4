/** GGUF files made in code, by hand and not by the code under test, so that they can lie. */

/** What a metadata entry holds: a text, a uint32, a float32 or a list of texts. */
export type Entry = [key: string, value: string | number | { f32: number } | string[]];

export interface Part {
  name: string;
  /** In the file's order: the fastest dimension first. */
  dimensions: number[];
  type: number;
  offset: number | bigint;
}

export interface GgufText {
  magic?: string;
  version?: number;
  tensorCount?: number | bigint;
  entryCount?: number | bigint;
  entries?: Entry[];
  parts?: Part[];
  data?: Uint8Array;
  alignment?: number;
}

export function ggufFile(text: GgufText): Uint8Array {
  const { magic = 'GGUF', version = 3, entries = [], parts = [], data = new Uint8Array(0), alignment = 32 } = text;
  const out: number[] = [];
  const put = (bytes: ArrayLike<number>) => {
    for (let i = 0; i < bytes.length; i++) out.push(bytes[i]!);
  };
  const u32 = (value: number) => put(new Uint8Array(Uint32Array.of(value).buffer));
  const u64 = (value: number | bigint) => put(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  const words = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    u64(bytes.length);
    put(bytes);
  };
  put(new TextEncoder().encode(magic));
  u32(version);
  u64(text.tensorCount ?? parts.length);
  u64(text.entryCount ?? entries.length);
  for (const [key, value] of entries) {
    words(key);
    if (typeof value === 'string') {
      u32(8);
      words(value);
    } else if (typeof value === 'number') {
      u32(4);
      u32(value);
    } else if (Array.isArray(value)) {
      u32(9);
      u32(8);
      u64(value.length);
      for (const item of value) words(item);
    } else {
      u32(6);
      put(new Uint8Array(Float32Array.of(value.f32).buffer));
    }
  }
  for (const { name, dimensions, type, offset } of parts) {
    words(name);
    u32(dimensions.length);
    for (const dimension of dimensions) u64(dimension);
    u32(type);
    u64(offset);
  }
  while (out.length % alignment !== 0) out.push(0);
  put(data);
  return Uint8Array.from(out);
}

/** The least that a llama file says of itself. */
export const LLAMA_ENTRIES: Entry[] = [
  ['general.architecture', 'llama'],
  ['llama.embedding_length', 8],
  ['llama.block_count', 1],
  ['llama.attention.head_count', 2],
  ['llama.attention.head_count_kv', 1],
];

export const EMBEDDING: Part = { name: 'token_embd.weight', dimensions: [8, 4], type: 0, offset: 0 };
export const EMBEDDING_BYTES = new Uint8Array(128);
