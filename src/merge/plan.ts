/**
 * The plan: every output file, every offset and every step, fixed before a byte moves. A pure function of recipe and headers; plain data that
 * crosses threads, so that any number of workers write the same bytes.
 */

import { type Dtype, dtypeBytes, type FloatDtype, isFloatDtype } from '../core/dtype.ts';
import { elementCount, type TensorInfo } from '../core/tensor.ts';
import type { Adapter } from '../files/adapter.ts';
import { type Checkpoint, type CheckpointShard, WEIGHTS_FILE } from '../files/checkpoint.ts';
import type { JsonObject } from '../files/json.ts';
import { layoutShard } from '../files/layout.ts';
import { sha256Hex } from '../files/sha256.ts';
import type { KernelOp } from '../kernels/kernels.ts';
import { checkCompatible } from './compatibility.ts';
import {
  type InputRange,
  isAdapterInput,
  type MergeCheckpoints,
  modelOf,
  sameWeights,
  type WeightRange,
  weightRange,
} from './inputs.ts';
import { completeRecipe, METHODS } from './methods.ts';
import { type Recipe, ROLES, type Role } from './recipe.ts';

/** Files of about this size load and download in parallel; the Hub's own tools go up to 5 GB. */
const DEFAULT_SHARD_BYTES = 2_000_000_000;

export interface MergePlan {
  version: 1;
  /** Names the run: a hash of everything below. Equal plans have equal ids. */
  id: string;
  /** With all parameters filled in. */
  recipe: Recipe;
  inputs: Record<Role, PlannedInput>;
  shards: PlannedShard[];
  /** Small files taken over as they are, and from whom. */
  companions: { role: Role; file: string }[];
  /** Whose config.json it is, and the content to write when it is not that file as it is. */
  config: { role: Role; changed?: JsonObject };
  totals: MergeTotals;
}

export interface PlannedInput {
  name: string;
  kind: 'model' | 'adapter';
  files: CheckpointShard[];
}

export interface PlannedShard {
  file: string;
  bytes: number;
  /** The first bytes of the file. */
  header: Uint8Array;
  /** In the order of their output; together they cover the rest of the file. */
  steps: MergeStep[];
}

/** Output bytes [start, end) of the shard's file. */
export interface OutputRange {
  start: number;
  end: number;
}

export type MergeStep =
  /** Bytes as they are. */
  | { kind: 'copy'; tensor: string; elements: number; input: InputRange; output: OutputRange }
  /** A kernel over all elements, inputs in the order the op wants. */
  | {
      kind: 'combine';
      tensor: string;
      /** The first element inside the tensor: added words of a vocabulary are a step of their own. */
      from: number;
      elements: number;
      op: KernelOp;
      inputs: WeightRange[];
      dtype: FloatDtype;
      output: OutputRange;
    };

export interface MergeTotals {
  /** Tensors computed, and tensors copied byte for byte. */
  combined: number;
  copied: number;
  elements: number;
  bytesRead: number;
  bytesWritten: number;
}

/** @throws AppError 'architecture-mismatch', 'tensor-missing', 'shape-mismatch', 'dtype-unsupported' */
export function planMerge(recipe: Recipe, checkpoints: MergeCheckpoints): MergePlan {
  checkCompatible(checkpoints);
  const complete = completeRecipe(recipe);
  const groups = groupTensors(outputTensors(complete, checkpoints), complete.shardBytes ?? DEFAULT_SHARD_BYTES);
  const metadata = { format: 'pt', recipe: JSON.stringify(complete) };
  const shards = groups.map((tensors, i) =>
    planShard(shardName(i, groups.length), tensors, metadata, complete, checkpoints),
  );
  const parts = {
    version: 1 as const,
    recipe: complete,
    inputs: Object.fromEntries(ROLES.map((role) => [role, plannedInput(checkpoints[role])])) as Record<
      Role,
      PlannedInput
    >,
    shards,
    companions: companions(checkpoints),
    config: plannedConfig(complete, checkpoints),
    totals: totals(shards),
  };
  return { ...parts, id: planId(parts) };
}

/** What will be written, in the order of the fine-tuned model's own files. */
function outputTensors(recipe: Recipe, checkpoints: MergeCheckpoints): TensorInfo[] {
  const wanted = recipe.outputDtype ?? 'same';
  const outputDtype = (dtype: Dtype): Dtype => (wanted === 'same' || !isFloatDtype(dtype) ? dtype : wanted);
  return [...modelOf(checkpoints, 'sft').tensors.values()].map(({ name, dtype, shape }) => ({
    name,
    dtype: outputDtype(dtype),
    shape,
  }));
}

/** Fills one shard after the other; a tensor larger than a shard gets one of its own. */
function groupTensors(tensors: readonly TensorInfo[], shardBytes: number): TensorInfo[][] {
  const groups: TensorInfo[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    const bytes = elementCount(tensor.shape) * dtypeBytes(tensor.dtype);
    if (filled > 0 && filled + bytes > shardBytes) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)!.push(tensor);
    filled += bytes;
  }
  return groups;
}

/** "model.safetensors", or the Hub's "model-00001-of-00002.safetensors". */
function shardName(index: number, count: number): string {
  if (count === 1) return WEIGHTS_FILE;
  const five = (n: number) => String(n).padStart(5, '0');
  return `model-${five(index + 1)}-of-${five(count)}.safetensors`;
}

function planShard(
  file: string,
  tensors: readonly TensorInfo[],
  metadata: Record<string, string>,
  recipe: Recipe,
  checkpoints: MergeCheckpoints,
): PlannedShard {
  const layout = layoutShard(file, tensors, metadata);
  const steps = layout.tensors.map((tensor) =>
    planStep(tensor, { start: tensor.start, end: tensor.end }, recipe, checkpoints),
  );
  return { file, bytes: layout.bytes, header: layout.header, steps };
}

function planStep(tensor: TensorInfo, output: OutputRange, recipe: Recipe, checkpoints: MergeCheckpoints): MergeStep {
  const { name: tensorName, dtype, shape } = tensor;
  const weights = ROLES.map((role) => weightRange(checkpoints, role, tensorName));
  const [sft, aligned, unaligned] = weights as [WeightRange, WeightRange, WeightRange];
  const step = { tensor: tensorName, elements: elementCount(shape), output };
  // Positions, masks, counters: the fine-tuned model's own.
  if (!isFloatDtype(dtype)) return { kind: 'copy', ...step, input: sft };
  const op = METHODS[recipe.method].op(recipe, tensorName);
  if (!leavesUnchanged(op, aligned, unaligned)) return { kind: 'combine', ...step, from: 0, op, inputs: weights, dtype };
  if (sft.dtype === dtype && !sft.plus) return { kind: 'copy', ...step, input: sft };
  return { kind: 'combine', ...step, from: 0, op: { kind: 'convert' }, inputs: [sft], dtype };
}

/** Adding nothing: copied rather than computed, so that negative zeros and NaN payloads survive too. */
function leavesUnchanged(op: KernelOp, aligned: WeightRange, unaligned: WeightRange): boolean {
  return op.kind === 'add-scaled-difference' && (op.scale === 0 || sameWeights(aligned, unaligned));
}

function plannedInput(input: Checkpoint | Adapter): PlannedInput {
  return { name: input.name, kind: isAdapterInput(input) ? 'adapter' : 'model', files: input.shards };
}

/**
 * The fine-tuned model's own files. An adapter often brings its tokenizer; then all tokenizer files are the adapter's, because a template
 * beside another model's tokenizer would be a mix that nobody trained.
 */
function companions({ sft, aligned }: MergeCheckpoints): MergePlan['companions'] {
  const own = sft.companions.map((file) => ({ role: 'sft' as const, file }));
  if (!isAdapterInput(sft)) return own;
  const bringsTokenizer = sft.companions.includes('tokenizer_config.json');
  const fromBase = aligned.companions.filter(
    (file) => (bringsTokenizer ? file === 'generation_config.json' : true) && !sft.companions.includes(file),
  );
  return [...own, ...fromBase.map((file) => ({ role: 'aligned' as const, file }))];
}

const TORCH_NAMES: Record<FloatDtype, string> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

function plannedConfig(recipe: Recipe, checkpoints: MergeCheckpoints): MergePlan['config'] {
  const role = isAdapterInput(checkpoints.sft) ? 'aligned' : 'sft';
  const wanted = recipe.outputDtype ?? 'same';
  if (wanted === 'same') return { role };
  const { config } = checkpoints[role] as Checkpoint;
  // transformers renamed torch_dtype to dtype in 4.56; a file keeps the name it has.
  const field = 'dtype' in config ? 'dtype' : 'torch_dtype';
  return { role, changed: { ...config, [field]: TORCH_NAMES[wanted] } };
}

function totals(shards: readonly PlannedShard[]): MergeTotals {
  const steps = shards.flatMap((shard) => shard.steps);
  return {
    combined: steps.filter((step) => step.kind === 'combine').length,
    copied: steps.filter((step) => step.kind === 'copy').length,
    elements: steps.reduce((sum, step) => sum + step.elements, 0),
    bytesRead: steps.reduce((sum, step) => sum + stepBytesRead(step), 0),
    bytesWritten: shards.reduce((sum, shard) => sum + shard.bytes, 0),
  };
}

function stepBytesRead(step: MergeStep): number {
  if (step.kind === 'copy') return length(step.input);
  return step.inputs.reduce(
    (sum, input) => sum + length(input) + (input.plus ? length(input.plus.a) + length(input.plus.b) : 0),
    0,
  );
}

function length({ start, end }: { start: number; end: number }): number {
  return end - start;
}

function planId(parts: Omit<MergePlan, 'id'>): string {
  const text = JSON.stringify({
    ...parts,
    shards: parts.shards.map((shard) => ({ ...shard, header: sha256Hex(shard.header) })),
  });
  return sha256Hex(new TextEncoder().encode(text));
}
