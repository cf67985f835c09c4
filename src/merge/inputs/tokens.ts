/**
 * Do equal rows of two vocabularies stand for equal tokens? Counting rows cannot tell: two tokenizers of one size may number their tokens
 * otherwise. Read from the tokenizer files beside the weights; only ids and texts, never merges.
 */

import type { Folder } from '../../files/folder.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../files/json.ts';
import { sha256Hex } from '../../files/sha256.ts';
import type { Role } from '../recipe/recipe.ts';

export interface TokenComparison {
  a: Role;
  b: Role;
  /** Ids that both know. */
  shared: number;
  /** Of these, how many stand for another text. */
  unlike: number;
  /** Some of them, lowest ids first. */
  examples: { id: number; a: string; b: string }[];
}

/** Bytes. The largest real one (262,144 tokens, Gemma) has 33 MB. */
const TOKENIZER_LIMIT = 100_000_000;
const EXAMPLES = 20;
/** Characters of a token in an example. */
const TOKEN_LENGTH = 40;

/** Id -> text. */
type Vocabulary = Map<number, string>;

/**
 * Compares the tokenizers of two folders. Undefined when one of them has none that can be read here (tokenizer.json, or vocab.json of the
 * older byte-level kind): then nothing is known, and nothing is claimed.
 */
export async function compareTokens(
  a: { role: Role; folder: Folder; companions: readonly string[] },
  b: { role: Role; folder: Folder; companions: readonly string[] },
): Promise<TokenComparison | undefined> {
  const [left, right] = [await vocabularyFile(a), await vocabularyFile(b)];
  if (!left || !right) return undefined;
  const roles = { a: a.role, b: b.role };
  if (
    left.path === right.path &&
    left.bytes.length === right.bytes.length &&
    sha256Hex(left.bytes) === sha256Hex(right.bytes)
  ) {
    return { ...roles, shared: 0, unlike: 0, examples: [] };
  }
  const [tokensA, tokensB] = [vocabularyOf(left.bytes), vocabularyOf(right.bytes)];
  return tokensA && tokensB ? { ...roles, ...difference(tokensA, tokensB) } : undefined;
}

function difference(a: Vocabulary, b: Vocabulary): Pick<TokenComparison, 'shared' | 'unlike' | 'examples'> {
  const unlike: TokenComparison['examples'] = [];
  let shared = 0;
  for (const [id, text] of a) {
    const other = b.get(id);
    if (other === undefined) continue;
    shared++;
    if (other !== text) unlike.push({ id, a: text.slice(0, TOKEN_LENGTH), b: other.slice(0, TOKEN_LENGTH) });
  }
  unlike.sort((x, y) => x.id - y.id);
  return { shared, unlike: unlike.length, examples: unlike.slice(0, EXAMPLES) };
}

async function vocabularyFile({ folder, companions }: { folder: Folder; companions: readonly string[] }) {
  const path = ['tokenizer.json', 'vocab.json'].find((file) => companions.includes(file));
  if (path === undefined) return undefined;
  const source = await folder.open(path);
  if (source.size > TOKENIZER_LIMIT) return undefined;
  return { path, bytes: await source.slice(0, source.size) };
}

/** Undefined for a file that is no tokenizer: the merge does not need it, and running the model will say what is wrong with it. */
function vocabularyOf(bytes: Uint8Array): Vocabulary | undefined {
  let file: JsonObject;
  try {
    file = parseJsonObject(bytes);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
  const known: Vocabulary = new Map();
  const vocab = isJsonObject(file.model) ? file.model.vocab : file;
  if (Array.isArray(vocab)) addPieces(known, vocab);
  else if (isJsonObject(vocab)) addIds(known, vocab);
  if (Array.isArray(file.added_tokens)) addAdded(known, file.added_tokens);
  return known.size > 0 ? known : undefined;
}

/** Byte-level BPE and WordPiece: text -> id. */
function addIds(known: Vocabulary, vocab: JsonObject): void {
  for (const [text, id] of Object.entries(vocab)) if (typeof id === 'number') known.set(id, text);
}

/** Unigram: [text, score] in the order of their ids. */
function addPieces(known: Vocabulary, vocab: readonly unknown[]): void {
  for (const [id, piece] of vocab.entries())
    if (Array.isArray(piece) && typeof piece[0] === 'string') known.set(id, piece[0]);
}

function addAdded(known: Vocabulary, added: readonly unknown[]): void {
  for (const token of added) {
    if (isJsonObject(token) && typeof token.id === 'number' && typeof token.content === 'string')
      known.set(token.id, token.content);
  }
}
