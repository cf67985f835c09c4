/** The small files of the output: whose config.json and tokenizer it gets, and what must be changed in the config to be true. */

import type { Dtype, FloatDtype } from '../../core/dtype.ts';
import { isEmbedding } from '../../core/names.ts';
import { elementCount } from '../../core/tensor.ts';
import type { Checkpoint } from '../../files/checkpoint.ts';
import type { JsonObject } from '../../files/json.ts';
import { isAdapterInput, type MergeCheckpoints, modelOf, tensorsOf } from '../inputs/inputs.ts';
import type { Recipe, Role } from '../recipe/recipe.ts';
import { type Decision, isTied } from './decisions.ts';
import { type Difference, theRole } from './differences.ts';

export interface Companions {
  /** Whose config.json it is, and the content to write when it is not that file as it is. None for a vector. */
  config?: { role: Role; changed?: JsonObject };
  companions: { role: Role; file: string }[];
  differences: Difference[];
}

export function plannedCompanions(
  recipe: Recipe,
  checkpoints: MergeCheckpoints,
  decisions: readonly Decision[],
): Companions {
  if (recipe.output === 'vector') return { companions: [], differences: [] };
  const own: Role = isAdapterInput(checkpoints.sft!) ? 'aligned' : 'sft';
  const role = [own, 'aligned' as const, 'unaligned' as const].find((one) => hasConfigFile(checkpoints, one));
  if (!role) return { companions: [], differences: [noConfig(own)] };
  const changed = changedConfig(role, recipe, checkpoints, decisions);
  return {
    config: changed ? { role, changed } : { role },
    companions: companionsOf(checkpoints, role, decisions.some(isCut)),
    differences: role === own ? [] : [borrowed(own, role)],
  };
}

/** GGUF files carry a config of their own kind, a vector only sizes: neither is a file that transformers reads. */
function hasConfigFile(checkpoints: MergeCheckpoints, role: Role): boolean {
  const input = checkpoints[role];
  return input !== undefined && !isAdapterInput(input) && input.format !== 'gguf';
}

function noConfig(role: Role): Difference {
  return {
    code: 'format-unsupported',
    severity: 'stops',
    what: 'None of these models has a config.json.',
    consequence: 'The result would be weights that nothing can load.',
    fix: 'Open the Hugging Face folder of at least one of them; the fine-tuned one is best.',
    roles: [role],
  };
}

function borrowed(from: Role, role: Role): Difference {
  return {
    code: 'config-borrowed',
    severity: 'note',
    what: `${theRole(from)} has no config.json and no tokenizer files.`.replace(/^t/, 'T'),
    consequence: `The result gets those of ${theRole(role)}.`,
    fix: 'Nothing to do, unless the fine-tune brought tokens or a chat template of its own.',
    roles: [from, role],
  };
}

/**
 * The fine-tuned model's own files. An adapter often brings its tokenizer; then all tokenizer files are the adapter's, because a template
 * beside another model's tokenizer would be a mix that nobody trained. Where added tokens are cut off, the tokenizer that knows them goes too.
 */
function companionsOf(checkpoints: MergeCheckpoints, config: Role, cut: boolean): Companions['companions'] {
  const { sft, aligned } = checkpoints as MergeCheckpoints & { sft: NonNullable<MergeCheckpoints['sft']> };
  const all = (role: Role, files: readonly string[]) => files.map((file) => ({ role, file }));
  if (cut && aligned && aligned.companions.length > 0) return all('aligned', aligned.companions);
  if (!isAdapterInput(sft))
    return sft.companions.length > 0 ? all('sft', sft.companions) : all(config, companionFiles(checkpoints, config));
  const bringsTokenizer = sft.companions.includes('tokenizer_config.json');
  const fromBase = aligned!.companions.filter(
    (file) => (bringsTokenizer ? file === 'generation_config.json' : true) && !sft.companions.includes(file),
  );
  return [...all('sft', sft.companions), ...all('aligned', fromBase)];
}

function companionFiles(checkpoints: MergeCheckpoints, role: Role): readonly string[] {
  return checkpoints[role]?.companions ?? [];
}

function isCut({ tensor, shape }: Decision): boolean {
  return shape[0] !== tensor.shape[0];
}

/**
 * Special tokens that lost their rows become the aligned model's, or none: PyTorch makes no embedding whose padding lies outside of it, and
 * "[PAD]" is the word that fine-tunes add most.
 */
function tokensWithin(rows: number, config: JsonObject, aligned: Checkpoint | undefined): JsonObject {
  const lost = (value: unknown) => [value].flat().some((id) => typeof id === 'number' && id >= rows);
  const fields = Object.keys(config).filter((field) => field.endsWith('_token_id') && lost(config[field]));
  return Object.fromEntries(
    fields.map((field) => {
      const theirs = aligned?.config[field];
      return [field, theirs === undefined || lost(theirs) ? null : theirs];
    }),
  );
}

const TORCH_NAMES: Partial<Record<string, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
} satisfies Partial<Record<FloatDtype, string>>;

/** The type of most weights, where the config says another. */
function typeOf(decisions: readonly Decision[], config: JsonObject): JsonObject {
  const counts = new Map<Dtype, number>();
  for (const { tensor, shape } of decisions) {
    counts.set(tensor.dtype, (counts.get(tensor.dtype) ?? 0) + elementCount(shape));
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  const name = most && TORCH_NAMES[most[0]];
  const field = 'dtype' in config ? 'dtype' : 'torch_dtype';
  return name === undefined || config[field] === name ? {} : { [field]: name };
}

/** The config with what the output has otherwise: its type, its vocabulary, its head. Undefined when the file is right as it is. */
function changedConfig(
  role: Role,
  recipe: Recipe,
  checkpoints: MergeCheckpoints,
  decisions: readonly Decision[],
): JsonObject | undefined {
  const { config } = checkpoints[role] as Checkpoint;
  const changes: JsonObject = {};
  const wanted = recipe.outputDtype ?? 'same';
  // transformers renamed torch_dtype to dtype in 4.56; a file keeps the name it has.
  if (wanted !== 'same') changes['dtype' in config ? 'dtype' : 'torch_dtype'] = TORCH_NAMES[wanted];
  // A borrowed config knows nothing of the types of the weights it comes to stand beside.
  else if (checkpoints[role] !== modelOf(checkpoints, 'sft')) Object.assign(changes, typeOf(decisions, config));
  const embedding = decisions.find(({ tensor }) => isEmbedding(tensor.name));
  const rows = embedding?.shape[0];
  const before =
    embedding && tensorsOf(checkpoints, role).get(embedding.names[role] ?? embedding.tensor.name)?.shape[0];
  // Rows are often padded beyond vocab_size: only a number that was changed is told.
  if (rows !== undefined && rows !== before && typeof config.vocab_size === 'number') changes.vocab_size = rows;
  if (embedding && isCut(embedding))
    Object.assign(changes, tokensWithin(embedding.shape[0]!, config, checkpoints.aligned));
  const tied = isTied(checkpoints, 'sft');
  if (checkpoints.sft !== checkpoints[role] && tied !== isTied(checkpoints, role)) {
    changes.tie_word_embeddings = tied;
  }
  return Object.keys(changes).length > 0 ? { ...config, ...changes } : undefined;
}
