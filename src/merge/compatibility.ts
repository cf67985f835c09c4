/**
 * Can these three be combined? Told before a byte is written, with the tensor and both shapes. Two questions: do they fit (pure, from
 * configs and headers), and are they three different things (needs a look at handles, sizes and a few bytes of every tensor).
 */

import { isFloatDtype } from '../core/dtype.ts';
import { AppError } from '../core/errors.ts';
import type { Adapter } from '../files/adapter.ts';
import { type Checkpoint, readTensor } from '../files/checkpoint.ts';
import type { Folder } from '../files/folder.ts';
import { isAdapterInput, type MergeCheckpoints, modelOf } from './inputs.ts';
import { ROLES, type Role } from './recipe.ts';

const ROLE_NAMES: Record<Role, string> = { sft: 'fine-tuned', aligned: 'aligned', unaligned: 'unaligned', vector: 'safety vector' };

/** Sizes every transformer config knows under one of these names; where two folders both tell one, they must agree. */
const SIZE_FIELDS = [
  'hidden_size',
  'num_hidden_layers',
  'intermediate_size',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'n_embd',
  'n_layer',
  'n_head',
];

/** @throws AppError 'architecture-mismatch', 'tensor-missing', 'shape-mismatch', 'dtype-unsupported' */
export function checkCompatible(checkpoints: MergeCheckpoints): void {
  checkFamilies(checkpoints);
  checkSizes(checkpoints);
  for (const role of ROLES) {
    const input = checkpoints[role];
    if (isAdapterInput(input)) checkTargets(role, input, checkpoints.aligned);
  }
  for (const role of ['aligned', 'unaligned'] as const) checkTensors(checkpoints, role);
}

function checkFamilies(checkpoints: MergeCheckpoints): void {
  const types = ROLES.map((role) => modelOf(checkpoints, role).modelType);
  if (new Set(types).size === 1) return;
  const told = ROLES.map((role, i) => `${ROLE_NAMES[role]} is ${types[i]}`).join(', ');
  throw new AppError(
    'architecture-mismatch',
    `These models are of different families: ${told}.`,
    'All three must be versions of the same model: check which folder is in which slot.',
    {
      modelTypes: Object.fromEntries(ROLES.map((role, i) => [role, types[i]])),
    },
  );
}

function checkSizes(checkpoints: MergeCheckpoints): void {
  const { sft, others } = { sft: modelOf(checkpoints, 'sft'), others: ['aligned', 'unaligned'] as const };
  for (const field of SIZE_FIELDS) {
    for (const role of others) {
      const [a, b] = [sft.config[field], modelOf(checkpoints, role).config[field]];
      if (typeof a !== 'number' || typeof b !== 'number' || a === b) continue;
      throw new AppError(
        'architecture-mismatch',
        `These models have different sizes: ${field} is ${a} in the fine-tuned model and ${b} in the ${ROLE_NAMES[role]} one.`,
        'All three must be versions of the same model, of the same size.',
        { field, sft: a, [role]: b },
      );
    }
  }
}

/** Every tensor of an adapter must fit the model below it. */
function checkTargets(role: Role, adapter: Adapter, base: Checkpoint): void {
  for (const [name, { a, b, transposed }] of adapter.targets) {
    const tensor = base.tensors.get(name);
    if (!tensor) throw missingTensors([name], `the aligned model, but the ${ROLE_NAMES[role]} adapter changes it`);
    const shape = [b.shape[0]!, a.shape[1]!];
    if (transposed) shape.reverse();
    if (!sameShape(tensor.shape, shape))
      throw shapeMismatch(name, 'aligned', tensor.shape, `${ROLE_NAMES[role]} adapter`, shape);
    if (!isFloatDtype(tensor.dtype)) throw unsupportedDtype(name, 'aligned', tensor.dtype);
  }
}

/** The same names with the same shapes, and types that can be computed with. */
function checkTensors(checkpoints: MergeCheckpoints, role: Role): void {
  const sft = modelOf(checkpoints, 'sft');
  const other = modelOf(checkpoints, role);
  const lacking = [...sft.tensors.keys()].filter((name) => !other.tensors.has(name));
  if (lacking.length > 0) throw missingTensors(lacking, `the ${ROLE_NAMES[role]} model`);
  const extra = [...other.tensors.keys()].filter((name) => !sft.tensors.has(name));
  if (extra.length > 0) throw missingTensors(extra, `the fine-tuned model, but the ${ROLE_NAMES[role]} one has it`);
  for (const [name, a] of sft.tensors) {
    const b = other.tensors.get(name)!;
    if (!sameShape(a.shape, b.shape))
      throw shapeMismatch(name, 'fine-tuned model', a.shape, `${ROLE_NAMES[role]} one`, b.shape);
    // float64 and 8-bit floats are weights too: copying them would leave the layer as it is without a word.
    if (/^(F64|F8)/.test(a.dtype)) throw unsupportedDtype(name, 'sft', a.dtype);
    if (isFloatDtype(a.dtype) && !isFloatDtype(b.dtype)) throw unsupportedDtype(name, role, b.dtype);
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

function shapeMismatch(
  tensor: string,
  nameA: string,
  a: readonly number[],
  nameB: string,
  b: readonly number[],
): AppError {
  const vocabulary = /embed_tokens|lm_head|wte|word_embeddings/.test(tensor);
  const hint = vocabulary
    ? 'One of them has more words: tokens were added in training. Resize its embeddings first.'
    : 'All three must be versions of the same model, of the same size.';
  return new AppError(
    'shape-mismatch',
    `${tensor} has the shape [${a.join(', ')}] in the ${nameA} and [${b.join(', ')}] in the ${nameB}.`,
    hint,
    {
      tensor,
      shapes: [[...a], [...b]],
    },
  );
}

function missingTensors(names: string[], where: string): AppError {
  const shown = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return new AppError(
    'tensor-missing',
    `${shown}${more} cannot be found in ${where}.`,
    'All three must be versions of the same model, saved the same way.',
    {
      tensors: names.slice(0, 50),
      count: names.length,
    },
  );
}

function unsupportedDtype(tensor: string, role: Role, dtype: string): AppError {
  return new AppError(
    'dtype-unsupported',
    `${tensor} of the ${ROLE_NAMES[role]} model is stored as ${dtype}, which cannot be combined.`,
    'Convert the model to bfloat16, float16 or float32.',
    {
      tensor,
      dtype,
    },
  );
}

export type MergeFolders = Record<Role, Folder>;

/**
 * Before any header is read: the same folder in two slots.
 * @throws AppError 'inputs-identical'
 */
export async function checkFoldersDiffer(folders: MergeFolders): Promise<void> {
  for (const [a, b] of pairs()) {
    const [left, right] = [folders[a].description, folders[b].description];
    const same =
      left.kind === 'handle' && right.kind === 'handle'
        ? await left.handle.isSameEntry(right.handle)
        : left.kind === 'files' && right.kind === 'files' && left.files === right.files;
    if (same) throw identical(a, b, folders);
  }
}

/**
 * The same weights under two names: equal sizes, equal headers, and equal samples of every tensor. Reading stops at the first difference,
 * so models that differ cost a few reads.
 * @throws AppError 'inputs-identical'
 */
export async function checkWeightsDiffer(folders: MergeFolders, checkpoints: MergeCheckpoints): Promise<void> {
  for (const [a, b] of pairs()) {
    const [left, right] = [checkpoints[a], checkpoints[b]];
    if (isAdapterInput(left) !== isAdapterInput(right) || !sameFiles(left, right)) continue;
    if (await sameSamples(folders[a], left, folders[b], right)) throw identical(a, b, folders);
  }
}

function pairs(): [Role, Role][] {
  return [
    ['sft', 'aligned'],
    ['sft', 'unaligned'],
    ['aligned', 'unaligned'],
  ];
}

function sameFiles(a: Checkpoint | Adapter, b: Checkpoint | Adapter): boolean {
  const told = (input: Checkpoint | Adapter) =>
    JSON.stringify(input.shards.map(({ bytes, headerSha256 }) => [bytes, headerSha256]));
  return told(a) === told(b);
}

/** Bytes from the middle of every tensor: fine-tunes change every matrix they touch nearly everywhere, and one page costs what one byte does. */
const SAMPLE_BYTES = 4096;

async function sameSamples(
  folderA: Folder,
  a: Checkpoint | Adapter,
  folderB: Folder,
  b: Checkpoint | Adapter,
): Promise<boolean> {
  const [refsA, refsB] = [tensorsOf(a), tensorsOf(b)];
  for (let i = 0; i < refsA.length; i++) {
    const [left, right] = await Promise.all([
      readTensor(folderA, middle(refsA[i]!)),
      readTensor(folderB, middle(refsB[i]!)),
    ]);
    if (left.some((byte, at) => byte !== right[at])) return false;
  }
  return true;
}

function tensorsOf(input: Checkpoint | Adapter) {
  return isAdapterInput(input)
    ? [...input.targets.values()].flatMap(({ a, b }) => [b, a])
    : [...input.tensors.values()];
}

function middle<T extends { start: number; end: number }>(range: T): T {
  const spare = Math.max(0, range.end - range.start - SAMPLE_BYTES);
  const start = range.start + Math.floor(spare / 2);
  return { ...range, start, end: Math.min(range.end, start + SAMPLE_BYTES) };
}

function identical(a: Role, b: Role, folders: MergeFolders): AppError {
  const names = folders[a].name === folders[b].name ? folders[a].name : `${folders[a].name} and ${folders[b].name}`;
  return new AppError(
    'inputs-identical',
    `The ${ROLE_NAMES[a]} and the ${ROLE_NAMES[b]} model are the same: ${names}.`,
    'Open three different models; check which folder is in which slot.',
    {
      roles: [a, b],
      folders: [folders[a].name, folders[b].name],
    },
  );
}
