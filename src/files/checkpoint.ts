/**
 * A model folder as Hugging Face lays it out: config.json, one model.safetensors or several with an index, and the small files around
 * them. Only headers are read here; `readTensor` fetches one tensor's bytes when somebody needs them.
 */

import type { Dtype } from '../core/dtype.ts';
import { AppError } from '../core/errors.ts';
import { elementCount, type TensorRef } from '../core/tensor.ts';
import type { Folder } from './folder.ts';
import { isJsonObject, type JsonObject, readJsonObject } from './json.ts';
import { readHeader } from './safetensors.ts';
import { openWeightFile } from './weights.ts';

export const CONFIG_FILE = 'config.json';
export const WEIGHTS_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
export const ADAPTER_CONFIG_FILE = 'adapter_config.json';

/** Characters. It is a short word that messages repeat. */
const MODEL_TYPE_LENGTH = 100;
/** Real ones have a few kilobytes; some carry label maps. */
const CONFIG_LIMIT = 8_000_000;
/** The index of a mixture of experts with 60,000 tensors has about 9 MB. */
const INDEX_LIMIT = 64_000_000;

/** Small files that make a folder of weights a usable model; a merge takes them over from the fine-tune. */
export const COMPANION_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'tokenizer.model',
  'sentencepiece.bpe.model',
  'spiece.model',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
  'generation_config.json',
] as const;

export interface CheckpointShard {
  file: string;
  bytes: number;
  /** Length of the length field and the header. */
  headerBytes: number;
  /** SHA-256 of these bytes. */
  headerSha256: string;
}

/** Plain data, structured-cloneable. */
export interface Checkpoint {
  /** The folder's name. */
  name: string;
  config: JsonObject;
  /** `model_type` of config.json. */
  modelType: string;
  /** In the order of their bytes, shard by shard. */
  tensors: Map<string, TensorRef>;
  shards: CheckpointShard[];
  /** Those of COMPANION_FILES that are there. */
  companions: string[];
  parameters: number;
  /** Of the weight files. */
  bytes: number;
  /** Tensors per element type. */
  dtypes: Partial<Record<Dtype, number>>;
}

/**
 * Opens a model folder; reads config, index and headers only.
 * @throws AppError 'folder-empty', 'file-missing', 'format-unsupported', 'config-invalid', 'json-invalid', 'index-invalid',
 *         'tensor-duplicate', and everything `readHeader` throws
 */
export async function openCheckpoint(folder: Folder): Promise<Checkpoint> {
  const entries = await folder.list();
  const paths = new Set(entries.map((entry) => entry.path));
  checkFormat(folder.name, paths);
  const config = await readJsonObject(folder, CONFIG_FILE, CONFIG_LIMIT);
  if (typeof config.model_type !== 'string' || config.model_type.length > MODEL_TYPE_LENGTH) {
    throw new AppError(
      'config-invalid',
      `${CONFIG_FILE} of “${folder.name}” does not say its model_type.`,
      'Open the folder of a Hugging Face model.',
      {
        file: CONFIG_FILE,
      },
    );
  }
  const weights = paths.has(WEIGHTS_FILE) ? await readShards(folder, [WEIGHTS_FILE]) : await readIndexed(folder, paths);
  return {
    name: folder.name,
    config,
    modelType: config.model_type,
    ...weights,
    companions: COMPANION_FILES.filter((path) => paths.has(path)),
    ...totals(weights),
  };
}

/** The bytes of one tensor, little-endian, row-major. */
export async function readTensor(folder: Folder, tensor: TensorRef): Promise<Uint8Array> {
  const source = await openWeightFile(folder, tensor.source);
  return source.slice(tensor.start, tensor.end);
}

interface WeightFiles {
  tensors: Map<string, TensorRef>;
  shards: CheckpointShard[];
}

/** The headers of some weight files of a folder, together. Also reads adapters, which have one file. */
export async function readShards(folder: Folder, files: readonly string[]): Promise<WeightFiles> {
  const tensors = new Map<string, TensorRef>();
  const shards: CheckpointShard[] = [];
  for (const file of files) {
    const source = await folder.open(file);
    const header = await readHeader(source, file);
    shards.push({ file, bytes: source.size, headerBytes: header.dataStart, headerSha256: header.sha256 });
    for (const tensor of header.tensors) {
      const other = tensors.get(tensor.name);
      if (other) {
        throw new AppError(
          'tensor-duplicate',
          `${other.source} and ${file} both hold the tensor ${tensor.name}.`,
          'Download the model again; its shards do not belong together.',
          {
            tensor: tensor.name,
            files: [other.source, file],
          },
        );
      }
      tensors.set(tensor.name, tensor);
    }
  }
  return { tensors, shards };
}

async function readIndexed(folder: Folder, paths: ReadonlySet<string>): Promise<WeightFiles> {
  const map = await readWeightMap(folder);
  const files = [...new Set(map.values())].sort();
  const missing = files.filter((file) => !paths.has(file));
  if (missing.length > 0) {
    throw new AppError(
      'file-missing',
      `“${folder.name}” lacks ${missing.length} of its ${files.length} weight files: ${some(missing)}.`,
      'Finish the download, then open the folder again.',
      {
        files: missing,
      },
    );
  }
  const weights = await readShards(folder, files);
  checkWeightMap(map, weights.tensors);
  return weights;
}

async function readWeightMap(folder: Folder): Promise<Map<string, string>> {
  const index = await readJsonObject(folder, INDEX_FILE, INDEX_LIMIT);
  if (!isJsonObject(index.weight_map) || Object.keys(index.weight_map).length === 0)
    throw badIndex('has no weight_map');
  const entries = Object.entries(index.weight_map).map(([tensor, file]): [string, string] => {
    if (typeof file !== 'string' || !/^[^/\\]{1,243}\.safetensors$/.test(file)) {
      throw badIndex(`maps ${tensor} to ${JSON.stringify(file)}, which is not a safetensors file of this folder`);
    }
    return [tensor, file];
  });
  return new Map(entries);
}

/** The index and the headers must tell the same story. */
function checkWeightMap(map: ReadonlyMap<string, string>, tensors: ReadonlyMap<string, TensorRef>): void {
  for (const [name, file] of map) {
    if (tensors.get(name)?.source !== file)
      throw badIndex(`says that ${file} holds ${name}, which is not so`, { file });
  }
  const unlisted = [...tensors.keys()].filter((name) => !map.has(name));
  if (unlisted.length > 0)
    throw badIndex(`does not list ${some(unlisted)}, which the weight files hold`, { tensors: unlisted.slice(0, 20) });
}

function badIndex(what: string, facts: Record<string, unknown> = {}): AppError {
  return new AppError(
    'index-invalid',
    `${INDEX_FILE} ${what.slice(0, 400)}.`, // names in an index may be of any length
    'Download the index and the weight files again; they do not belong together.',
    {
      file: INDEX_FILE,
      ...facts,
    },
  );
}

function totals({ tensors, shards }: WeightFiles): Pick<Checkpoint, 'parameters' | 'bytes' | 'dtypes'> {
  const dtypes: Partial<Record<Dtype, number>> = {};
  let parameters = 0;
  for (const tensor of tensors.values()) {
    parameters += elementCount(tensor.shape);
    dtypes[tensor.dtype] = (dtypes[tensor.dtype] ?? 0) + 1;
  }
  return { parameters, bytes: shards.reduce((sum, shard) => sum + shard.bytes, 0), dtypes };
}

/** Says what the folder is instead, when it is not a safetensors model. */
function checkFormat(name: string, paths: ReadonlySet<string>): void {
  if (paths.size === 0) {
    throw new AppError(
      'folder-empty',
      `“${name}” holds no files.`,
      'Browsers do not follow links: folders of the Hugging Face cache look empty. Open a real copy, or open its files instead.',
      {},
    );
  }
  const safetensors = [...paths].filter((path) => path.endsWith('.safetensors'));
  const other = [...paths].find(
    (path) => /\.(gguf|bin|pth|pt|ckpt|onnx|h5|msgpack)$/.test(path) && path !== 'training_args.bin',
  );
  if (safetensors.length === 0 && other) {
    const hint = other.endsWith('.gguf')
      ? 'Open the original safetensors folder of this model; GGUF files hold quantized weights.'
      : 'Convert it once: AutoModelForCausalLM.from_pretrained(folder).save_pretrained(new_folder, safe_serialization=True).';
    throw new AppError('format-unsupported', `“${name}” holds ${other}, not safetensors.`, hint, { file: other });
  }
  if (!paths.has(CONFIG_FILE)) {
    const adapter = paths.has(ADAPTER_CONFIG_FILE);
    throw new AppError(
      'file-missing',
      adapter ? `“${name}” is an adapter, not a whole model.` : `“${name}” has no ${CONFIG_FILE}.`,
      adapter
        ? 'Open the model it was trained on here, and the adapter as the fine-tune.'
        : `Open the folder that holds ${CONFIG_FILE} next to the weights.`,
      { file: CONFIG_FILE },
    );
  }
  if (!paths.has(WEIGHTS_FILE) && !paths.has(INDEX_FILE)) {
    const hint =
      safetensors.length > 0
        ? `Add ${INDEX_FILE}: without it nobody knows that the weight files are complete.`
        : `Add ${WEIGHTS_FILE}, or open the folder that holds it.`;
    throw new AppError('file-missing', `“${name}” has neither ${WEIGHTS_FILE} nor ${INDEX_FILE}.`, hint, {
      file: WEIGHTS_FILE,
    });
  }
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
