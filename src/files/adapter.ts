/**
 * A LoRA adapter as PEFT saves it: adapter_config.json and adapter_model.safetensors with two thin matrices per target,
 * dW = scale * B @ A (Hu et al., arXiv 2106.09685). Everything PEFT can save that this formula does not describe is refused by name.
 */

import { type Dtype, isFloatDtype } from '../core/dtype.ts';
import { AppError } from '../core/errors.ts';
import type { TensorRef } from '../core/tensor.ts';
import { ADAPTER_CONFIG_FILE, type CheckpointShard, COMPANION_FILES, CONFIG_FILE, readShards } from './checkpoint.ts';
import type { Folder } from './folder.ts';
import { isJsonObject, type JsonObject, readJsonObject } from './json.ts';

export const ADAPTER_WEIGHTS_FILE = 'adapter_model.safetensors';

/** Adapter configurations list target modules; even long lists stay far below. */
const CONFIG_LIMIT = 8_000_000;

export interface LowRank {
  /** [rank, columns] */
  a: TensorRef;
  /** [rows, rank] */
  b: TensorRef;
  /** lora_alpha / rank, or lora_alpha / sqrt(rank) with use_rslora. */
  scale: number;
  /** fan_in_fan_out: the base stores its weight as [columns, rows], so dW is transposed. */
  transposed: boolean;
}

/** Plain data, structured-cloneable. */
export interface Adapter {
  name: string;
  config: JsonObject;
  /** By the name of the base model's tensor. */
  targets: Map<string, LowRank>;
  shards: CheckpointShard[];
  companions: string[];
  parameters: number;
  bytes: number;
  dtypes: Partial<Record<Dtype, number>>;
}

/** True when the folder is an adapter and not a whole model. */
export async function isAdapter(folder: Folder): Promise<boolean> {
  const paths = (await folder.list()).map((entry) => entry.path);
  return paths.includes(ADAPTER_CONFIG_FILE) && !paths.includes(CONFIG_FILE);
}

/** @throws AppError 'adapter-unsupported', 'adapter-invalid', 'format-unsupported', and what reading JSON and headers throws */
export async function openAdapter(folder: Folder): Promise<Adapter> {
  const paths = new Set((await folder.list()).map((entry) => entry.path));
  if (!paths.has(ADAPTER_WEIGHTS_FILE) && paths.has('adapter_model.bin')) {
    throw new AppError(
      'format-unsupported',
      `${folder.name} holds adapter_model.bin, not safetensors.`,
      'Save the adapter again with safe_serialization=True.',
      {
        file: 'adapter_model.bin',
      },
    );
  }
  const config = await readJsonObject(folder, ADAPTER_CONFIG_FILE, CONFIG_LIMIT);
  refuseUnknownKinds(folder.name, config);
  const { tensors, shards } = await readShards(folder, [ADAPTER_WEIGHTS_FILE]);
  const targets = pairUp(config, tensors);
  const refs = [...tensors.values()];
  const dtypes: Partial<Record<Dtype, number>> = {};
  for (const { dtype } of refs) dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  return {
    name: folder.name,
    config,
    targets,
    shards,
    companions: COMPANION_FILES.filter((path) => paths.has(path)),
    parameters: refs.reduce((sum, ref) => sum + ref.shape.reduce((product, n) => product * n, 1), 0),
    bytes: shards.reduce((sum, shard) => sum + shard.bytes, 0),
    dtypes,
  };
}

/** Options that change what dW is, what it is added to, or what else was trained. A row: the option, when it is harmless, what it means. */
const REFUSED: readonly [option: string, harmless: (value: unknown) => boolean, meaning: string][] = [
  ['use_dora', isOff, 'DoRA also trains magnitudes, which dW = scale * B @ A leaves out'],
  ['modules_to_save', isOff, 'whole modules were trained beside the adapter'],
  ['bias', (value) => isOff(value) || value === 'none', 'biases were trained beside the adapter'],
  ['lora_bias', isOff, 'the adapter carries biases'],
  ['layer_replication', isOff, 'layers of the base model are repeated'],
  ['trainable_token_indices', isOff, 'single token embeddings were trained beside the adapter'],
  ['target_parameters', isOff, 'parameters inside modules were adapted'],
  ['use_bdlora', isOff, 'its matrices are block-diagonal'],
  ['kasa_config', isOff, 'KaSA changes the base weights too'],
  ['arrow_config', isOff, 'Arrow chooses between several adapters at run time'],
  ['monteclora_config', isOff, 'MonteCLoRA samples its matrices'],
  ['use_qalora', isOff, 'QALoRA pools the inputs'],
  ['alora_invocation_tokens', isOff, 'an activated LoRA changes the weights only after certain tokens'],
  // PiSSA, OLoRA, LoftQ, CorDA and the like change the base weights when they start; the opened base is then the wrong one.
  [
    'init_lora_weights',
    (value) => isOff(value) || value === true || ['gaussian', 'eva', 'orthogonal'].includes(value as string),
    'this start changes the base weights too',
  ],
];

function isOff(value: unknown): boolean {
  return value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0);
}

function refuseUnknownKinds(name: string, config: JsonObject): void {
  const refuse = (what: string, option: string, value: unknown) =>
    new AppError(
      'adapter-unsupported',
      `${name}: ${what}.`,
      'Fold the adapter into its model with PEFT (merge_and_unload, save_pretrained) and open that folder.',
      {
        option,
        value: JSON.stringify(value)?.slice(0, 200),
      },
    );
  if (config.peft_type !== 'LORA')
    throw refuse(`peft_type ${JSON.stringify(config.peft_type)} is not LORA`, 'peft_type', config.peft_type);
  for (const [option, harmless, meaning] of REFUSED) {
    const value = config[option];
    if (!harmless(value))
      throw refuse(`${option} is ${JSON.stringify(value)?.slice(0, 80)}: ${meaning}`, option, value);
  }
}

const TENSOR_NAME = /^base_model\.model\.(.+)\.lora_(A|B)\.(?:default\.)?weight$/;

function pairUp(config: JsonObject, tensors: ReadonlyMap<string, TensorRef>): Map<string, LowRank> {
  const halves = new Map<string, { A?: TensorRef; B?: TensorRef }>();
  for (const ref of tensors.values()) {
    const match = TENSOR_NAME.exec(ref.name);
    if (!match) throw unknownTensor(ref.name);
    const [, module, side] = match as unknown as [string, string, 'A' | 'B'];
    halves.set(module, { ...halves.get(module), [side]: ref });
  }
  if (halves.size === 0) throw invalid('holds no LoRA matrices', {});
  const targets = new Map<string, LowRank>();
  for (const [module, { A, B }] of halves) {
    if (!A || !B) throw invalid(`holds only one of the two matrices of ${module}`, { module });
    targets.set(`${module}.weight`, lowRank(module, A, B, config));
  }
  return targets;
}

function unknownTensor(name: string): AppError {
  const kind = /lora_magnitude_vector/.test(name)
    ? 'DoRA'
    : /lora_embedding_[AB]/.test(name)
      ? 'LoRA on embeddings'
      : 'something other than LoRA matrices';
  return new AppError(
    'adapter-unsupported',
    `The adapter holds ${kind}: ${name}.`,
    'Fold the adapter into its model with PEFT (merge_and_unload, save_pretrained) and open that folder.',
    {
      tensor: name,
    },
  );
}

function lowRank(module: string, a: TensorRef, b: TensorRef, config: JsonObject): LowRank {
  if (!isFloatDtype(a.dtype) || !isFloatDtype(b.dtype))
    throw invalid(`stores ${module} as ${a.dtype} and ${b.dtype}`, { module });
  if (a.shape.length !== 2 || b.shape.length !== 2) {
    throw new AppError(
      'adapter-unsupported',
      `The adapter changes ${module}, which is not a linear layer.`,
      'Fold the adapter into its model with PEFT and open that folder.',
      {
        module,
      },
    );
  }
  const rank = a.shape[0]!;
  const expected = patterned(config.rank_pattern, module) ?? number(config.r, 'r');
  if (rank !== b.shape[1] || rank !== expected || rank === 0) {
    throw invalid(`has matrices of ${module} shaped [${a.shape}] and [${b.shape}] with rank ${expected}`, {
      module,
      rank: expected,
    });
  }
  const alpha = patterned(config.alpha_pattern, module) ?? number(config.lora_alpha, 'lora_alpha');
  const scale = alpha / (config.use_rslora === true ? Math.sqrt(rank) : rank);
  return { a, b, scale, transposed: config.fan_in_fan_out === true };
}

/**
 * The entry of a rank_pattern or alpha_pattern for a module: the first key that matches its name or the end of it after a dot
 * (peft/utils/other.py, get_pattern_key). Keys are regular expressions there, so they are here.
 */
function patterned(pattern: unknown, module: string): number | undefined {
  if (pattern === undefined || pattern === null) return undefined;
  if (!isJsonObject(pattern)) throw invalid('has a pattern that is not an object', {});
  for (const [key, value] of Object.entries(pattern)) if (matches(key, module)) return number(value, key);
  return undefined;
}

function matches(key: string, module: string): boolean {
  // Long expressions from strangers can take forever; real keys are module names.
  if (key.length > 256) throw invalid('has a pattern key longer than 256 characters', {});
  if (key === module || module.endsWith(`.${key}`)) return true;
  try {
    return new RegExp(`^(.*\\.)?(${key})$`).test(module);
  } catch {
    throw invalid(`has a pattern key that is no regular expression: ${key}`, { key });
  }
}

function number(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw invalid(`has no usable number for ${field}`, { field });
}

function invalid(what: string, facts: Record<string, unknown>): AppError {
  return new AppError('adapter-invalid', `The adapter ${what}.`, 'Save or download the adapter again.', facts);
}
