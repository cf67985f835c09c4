/**
 * Two things of SentencePiece that transformers.js 4.3 does not do, and gives other ids for in silence; here they are put in. Both are as
 * in the Rust tokenizers, which transformers in Python uses; of other tokenizers nothing is changed.
 *
 * A Unigram model with byte_fallback (llm-jp's, for one) spells in bytes what it has no piece for: the library gives the unknown token.
 * A Precompiled normalizer maps characters by a table in the file: the library ignores it and takes NFKC, which differs in line ends of
 * Windows, in joined emoji, and wherever a model has rules of its own.
 */

import { isJsonObject } from '../files/json.ts';
import type { Transformers } from './transformers.ts';

type Tokenizer = InstanceType<Transformers['PreTrainedTokenizer']>;

/** Throws a plain Error where the table of characters is damaged. */
export function completeSentencePiece(tokenizer: Tokenizer): void {
  fallBackToBytes(tokenizer);
  for (const normalizer of normalizersOf(tokenizer._tokenizer.normalizer)) {
    const { type, precompiled_charsmap } = normalizer.config as unknown as Record<string, unknown>;
    if (type === 'Precompiled' && typeof precompiled_charsmap === 'string') {
      normalizer.normalize = precompiled(Uint8Array.from(atob(precompiled_charsmap), (sign) => sign.charCodeAt(0)));
    }
  }
}

function fallBackToBytes(tokenizer: Tokenizer): void {
  const model = tokenizer._tokenizer.model;
  const definition: unknown = model?.config;
  if (!model || !isJsonObject(definition)) return;
  if (!Array.isArray(definition.vocab) || definition.byte_fallback !== true) return; // a BPE falls back by itself
  const encode = model.encode.bind(model);
  const bytesOf = (piece: string): string[] =>
    Array.from(UTF8.encode(piece), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  model.encode = (texts) =>
    encode(texts).flatMap((piece) => {
      if (model.tokens_to_ids.has(piece)) return [piece];
      const bytes = bytesOf(piece);
      return bytes.every((token) => model.tokens_to_ids.has(token)) ? bytes : [piece];
    });
}

type Normalizer = NonNullable<Tokenizer['_tokenizer']['normalizer']>;

function normalizersOf(normalizer: Normalizer | null): Normalizer[] {
  if (!normalizer) return [];
  const inside = (normalizer as { normalizers?: (Normalizer | null)[] }).normalizers ?? [];
  return [normalizer, ...inside.flatMap(normalizersOf)];
}

const UTF8 = new TextEncoder();
const TEXT = new TextDecoder();

/** Of what a person sees as one character, up to 5 bytes are looked up as a whole; else each code point alone. */
const LONGEST_WHOLE = 5;

/**
 * The table is a length in bytes, a double-array trie of that length (32-bit units, little endian) from UTF-8 to an offset, and the texts
 * at those offsets, each ended by a zero.
 */
function precompiled(table: Uint8Array): (text: string) => string {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const trieBytes = table.length < 4 ? Number.NaN : view.getUint32(0, true);
  if (!(trieBytes % 4 === 0 && trieBytes >= 4 && 4 + trieBytes <= table.length)) {
    throw new Error('the table of its Precompiled normalizer is damaged');
  }
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, index) => view.getUint32(4 + 4 * index, true));
  const texts = table.subarray(4 + trieBytes);
  const mapped = (part: string): string | undefined => {
    const offset = shortestMatch(units, UTF8.encode(part));
    if (offset === undefined || offset >= texts.length) return undefined;
    const end = texts.indexOf(0, offset);
    return TEXT.decode(texts.subarray(offset, end < 0 ? texts.length : end));
  };
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  return (text) => {
    let normal = '';
    for (const { segment } of graphemes.segment(text)) {
      const whole = UTF8.encode(segment).length <= LONGEST_WHOLE ? mapped(segment) : undefined;
      normal += whole ?? Array.from(segment, (codePoint) => mapped(codePoint) ?? codePoint).join('');
    }
    return normal;
  };
}

/** The value of the shortest prefix of `key` in a trie as Darts-clone writes it, which is the one that SentencePiece's rules are read by. */
function shortestMatch(units: Uint32Array, key: Uint8Array): number | undefined {
  const childrenOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let at = childrenOf(units[0]!);
  for (const byte of key) {
    at ^= byte;
    const unit = units[at] ?? 0;
    if (byte === 0 || (unit & 0x800000ff) !== byte) return undefined;
    at ^= childrenOf(unit);
    if (unit & 0x100) return (units[at] ?? 0) & 0x7fffffff;
  }
  return undefined;
}
