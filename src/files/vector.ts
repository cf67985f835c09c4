/**
 * A safety vector kept for later: the tensors of aligned − unaligned as safetensors, named like the model's, without those that are zero.
 * It has no config.json, so that nobody takes it for a model; the sizes it was made for stand in the header's metadata.
 */

import { AppError } from '../core/errors.ts';
import { type Checkpoint, MODEL_TYPE_LENGTH, readShards, SIZE_FIELDS, totals } from './checkpoint.ts';
import type { Folder } from './folder.ts';
import { type JsonObject, parseJsonObject } from './json.ts';
import { readHeader } from './safetensors.ts';

export const VECTOR_FILE = 'vector.safetensors';
export const VECTOR_INDEX_FILE = 'vector.safetensors.index.json';

/** What the metadata calls such a file. */
const KIND = 'safety-vector';
/** Of the model's config: what tells whether a vector fits. */
const CONFIG_FIELDS = ['model_type', 'vocab_size', ...SIZE_FIELDS, 'tie_word_embeddings'];
/** Bytes; a dozen numbers. */
const CONFIG_LIMIT = 10_000;

/** Shards of a vector: "vector.safetensors", or "vector-00001-of-00002.safetensors". */
const VECTOR_SHARD = /^vector(?:-(\d{5})-of-(\d{5}))?\.safetensors$/;

/** True when the folder holds a saved vector and no model. */
export async function isVector(folder: Folder): Promise<boolean> {
  const paths = (await folder.list()).map(({ path }) => path);
  return paths.some((path) => VECTOR_SHARD.test(path)) && !paths.includes('config.json');
}

/** For the header of every file of a vector made from this model. */
export function vectorMetadata({ config }: Pick<Checkpoint, 'config'>): Record<string, string> {
  const known = CONFIG_FIELDS.filter((field) => ['string', 'number', 'boolean'].includes(typeof config[field]));
  return { kind: KIND, config: JSON.stringify(Object.fromEntries(known.map((field) => [field, config[field]]))) };
}

/** @throws AppError 'vector-invalid', 'file-missing', and what reading headers throws */
export async function openVector(folder: Folder): Promise<Checkpoint> {
  const paths = (await folder.list()).map(({ path }) => path);
  const files = completeShards(folder.name, paths.filter((path) => VECTOR_SHARD.test(path)).sort());
  const config = await readConfig(folder, files[0]!);
  const weights = await readShards(folder, files);
  return {
    name: folder.name,
    kind: 'vector',
    format: 'safetensors',
    config,
    modelType: config.model_type as string,
    ...weights,
    companions: [],
    ...totals(weights),
  };
}

/** The numbering says how many there must be. */
function completeShards(name: string, files: readonly string[]): readonly string[] {
  const count = Number(VECTOR_SHARD.exec(files[0] ?? '')?.[2] ?? 1);
  const complete =
    files.length === count && files.every((file, i) => Number(VECTOR_SHARD.exec(file)![1] ?? 1) === i + 1);
  if (complete) return files;
  throw new AppError(
    'file-missing',
    `“${name}” holds ${files.length} of the ${count} files of a safety vector.`,
    'Open the folder with all files of one vector.',
    { files },
  );
}

async function readConfig(folder: Folder, file: string): Promise<JsonObject> {
  const { metadata } = await readHeader(await folder.open(file), file);
  if (metadata.kind !== KIND || metadata.config === undefined)
    throw invalid(file, 'does not say that it is a safety vector');
  if (metadata.config.length > CONFIG_LIMIT) throw invalid(file, 'has a description that is too long');
  try {
    const config = parseJsonObject(new TextEncoder().encode(metadata.config));
    const told: unknown = config.model_type;
    if (typeof told === 'string' && told.length <= MODEL_TYPE_LENGTH) return config;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw invalid(file, `has a description that cannot be read: ${error.message}`);
  }
  throw invalid(file, 'does not say for which kind of model it is');
}

function invalid(file: string, what: string): AppError {
  return new AppError('vector-invalid', `${file} ${what}.`, 'Open a safety vector that was written by this page.', {
    file,
  });
}
