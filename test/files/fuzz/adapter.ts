/** Fuzz of adapters: configurations and tensor lists that are nearly right, patterns that would hang a backtracking engine, and damaged files. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { elementCount, type TensorRef } from '../../../src/core/tensor.ts';
import { type Adapter, openAdapter } from '../../../src/files/adapter/adapter.ts';
import { adapterMisfits } from '../../../src/files/adapter/base.ts';
import { openCheckpoint } from '../../../src/files/checkpoint.ts';
import { tensorsOf, weightRange } from '../../../src/merge/inputs/inputs.ts';
import { openInputs } from '../../../src/merge/inputs/reader.ts';
import { plannedInputs } from '../../../src/merge/plan/plan.ts';
import { folderOf, openedFolder, safetensorsFile, type TestTensor } from '../build.ts';
import { mutate, outcome, type Random } from './outcome.ts';

export type AdapterFiles = Record<'adapter_config.json' | 'adapter_model.safetensors', Uint8Array>;

const KINDS = join(import.meta.dirname, '../../fixtures/files/lora-kinds');
const NAMES = [
  'patterns',
  'conv1d',
  'whole-modules',
  'bias-all',
  'lora-bias',
  'embedding',
  'tokens',
  'tokens-resized',
  'dora',
  'tied-embedding',
];
const SEEDS = NAMES.map((name) => ({
  config: JSON.parse(readFileSync(join(KINDS, name, 'adapter_config.json'), 'utf8')) as Record<string, unknown>,
  weights: new Uint8Array(readFileSync(join(KINDS, name, 'adapter_model.safetensors'))),
}));

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  2,
  -1,
  2.5,
  1e39,
  1e308,
  '',
  'all',
  'none',
  'pissa',
  'x'.repeat(5000),
  [],
  [1, 3],
  [-1],
  ['q_proj'],
  ['', '.'],
  {},
  { q_proj: 2 },
  { embed_tokens: [0, 7] },
  [[]],
  [null],
];
const PATTERNS = [
  'q_proj',
  '.*',
  '(a+)+b',
  '(.*)*(.*)*x',
  '((a{99}){99}){99}',
  '(|)*',
  '^',
  '$',
  '[',
  '\\d+',
  '(?=x)',
  'layers.0.*',
  '(((((',
  'a'.repeat(255),
  '(.|.|.|.)*y',
  '__proto__',
];
const PARTS = [
  'base_model',
  'model',
  'layers',
  '0',
  'self_attn',
  'q_proj',
  'embed_tokens',
  'lm_head',
  'score',
  'base_layer',
  'modules_to_save',
  'original_module',
  'token_adapter',
  'default',
  'lora_A',
  'lora_B',
  'lora_embedding_A',
  'lora_embedding_B',
  'lora_magnitude_vector',
  'trainable_tokens_delta',
  'weight',
  'bias',
  '',
  '__proto__',
  'v_head',
];
const MODULES = [
  'model.layers.0.self_attn.q_proj',
  'model.layers.0.mlp.up_proj',
  'model.embed_tokens',
  'lm_head',
  '',
  'a'.repeat(3000),
];
const LEAVES = [
  'lora_A.weight',
  'lora_B.weight',
  'lora_B.bias',
  'lora_embedding_A',
  'lora_embedding_B',
  'lora_magnitude_vector',
  'token_adapter.trainable_tokens_delta',
  'weight',
  'bias',
  'base_layer.weight',
  'modules_to_save.weight',
];
const SIZES = [0, 1, 2, 3, 8, 12, 16, 19];
const DTYPES = ['F32', 'F32', 'F32', 'BF16', 'F16', 'F64', 'I64'] as const;
const BYTES = { F32: 4, BF16: 2, F16: 2, F64: 8, I64: 8 };

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;

function config(random: Random, original: Record<string, unknown>): Record<string, unknown> {
  const changed = { ...original };
  const options = [...Object.keys(original), 'enable_lora', 'use_something', 'other_config'];
  for (let i = random(4); i > 0; i--) changed[pick(random, options)] = pick(random, VALUES);
  for (let i = random(3); i > 0; i--) {
    const entries = Array.from({ length: 1 + random(40) }, () => [
      pick(random, PATTERNS) + (random(2) ? '' : pick(random, PARTS)),
      pick(random, VALUES),
    ]);
    changed[pick(random, ['rank_pattern', 'alpha_pattern'])] = Object.fromEntries(entries);
  }
  return changed;
}

function tensor(random: Random): TestTensor {
  const parts = () => Array.from({ length: 1 + random(8) }, () => pick(random, PARTS)).join('.');
  const name = random(3) ? `base_model.model.${pick(random, MODULES)}.${pick(random, LEAVES)}` : parts();
  const shape = Array.from({ length: random(8) ? 2 : random(4) }, () => pick(random, SIZES));
  const dtype = pick(random, DTYPES);
  return { name, dtype, shape, bytes: new Uint8Array(elementCount(shape) * BYTES[dtype]) };
}

/** Two matrices that fit each other and the rank of most seeds; whether they fit the base is left to luck. */
function pair(random: Random): TestTensor[] {
  const module = `base_model.model.${pick(random, MODULES)}`;
  const [a, b] = random(3) ? ['.lora_A.weight', '.lora_B.weight'] : ['.lora_embedding_A', '.lora_embedding_B'];
  const shapes = [
    [2, pick(random, SIZES)],
    [pick(random, SIZES), 2],
  ];
  return [a, b].map((part, i) => {
    const shape = shapes[i]!;
    return { name: module + part, dtype: 'F32', shape, bytes: new Uint8Array(4 * elementCount(shape)) };
  });
}

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

export function generate(random: Random): AdapterFiles {
  const seed = pick(random, SEEDS);
  const settings = text(config(random, seed.config));
  const kind = random(5);
  const listed = kind === 1 ? Array.from({ length: random(9) }, () => tensor(random)) : pair(random);
  const tensors = safetensorsFile([...new Map(listed.map((one) => [one.name, one])).values()]);
  return {
    'adapter_config.json': random(6) ? settings : mutate(settings, random),
    'adapter_model.safetensors': kind === 0 ? mutate(seed.weights, random) : kind < 4 ? tensors : seed.weights,
  };
}

const BASE = openBase();

async function openBase() {
  const read = (file: string) => new Uint8Array(readFileSync(join(KINDS, 'llama', file)));
  const folder = folderOf('base', {
    'config.json': read('config.json'),
    'model.safetensors': read('model.safetensors'),
  });
  return {
    folder,
    checkpoint: await openCheckpoint(
      openedFolder('base', { 'config.json': read('config.json'), 'model.safetensors': read('model.safetensors') }),
    ),
  };
}

/** Opens the adapter, asks whether it fits a small model, and reads everything that both make together. */
export async function run(files: AdapterFiles): Promise<'ok' | ErrorCode> {
  return outcome(async () => {
    const sft = folderOf('fuzz', files);
    const adapter = await openAdapter(openedFolder('fuzz', files));
    checkPlaces(adapter, files['adapter_model.safetensors'].length);
    const { folder: aligned, checkpoint } = await BASE;
    const [misfit] = adapterMisfits(adapter, checkpoint);
    if (misfit) throw misfit;
    const checkpoints = { sft: adapter, aligned: checkpoint };
    const reader = openInputs({ inputs: plannedInputs(checkpoints) }, { sft, aligned });
    for (const [name, { shape }] of tensorsOf(checkpoints, 'sft')) {
      const count = elementCount(shape);
      const { bytes, dtype } = await reader.elements(weightRange(checkpoints, 'sft', name), 0, count);
      if (bytes.length !== count * (dtype === 'F64' ? 8 : dtype === 'F32' ? 4 : 2))
        throw new Error(`${bytes.length} bytes of ${name}`);
    }
  });
}

function checkPlaces({ targets, saved, rows, biases }: Adapter, bytes: number): void {
  const refs: (TensorRef | undefined)[] = [
    ...[...targets.values()].flatMap(({ a, b, magnitude }) => [a, b, magnitude]),
    ...saved.values(),
    ...[...rows.values(), ...biases.values()].map(({ values }) => values),
  ];
  for (const ref of refs)
    if (ref && !(ref.start >= 8 && ref.start <= ref.end && ref.end <= bytes))
      throw new Error(`${ref.name} at ${ref.start}..${ref.end} of ${bytes}`);
}
