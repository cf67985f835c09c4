/**
 * The page's functions for tools/drive: each does what the screens do, through the same clients, with folders from the same picker.
 * Loaded only when the address ends in #drive; the page itself never uses it.
 */

import { exportOnnx, inspectFolder, openModelHost, recipeFromYaml, runMerge } from '../../workers/client.ts';
import { AppError, type AppErrorShape } from '../core/errors.ts';
import type { FolderDescription } from '../files/folder.ts';
import type { OutputDescription } from '../files/output/writer.ts';
import type { Precision } from '../graph/precision.ts';
import { parsePrompts } from '../judge/prompts.ts';
import type { BackendWish } from '../kernels/kernels.ts';
import type { Recipe, Role } from '../merge/recipe/recipe.ts';
import type { MergeInputs } from '../merge/recipe/request.ts';
import type { ChoiceItem, GenerateOptions, ModelBackend, ScoreOptions } from '../model/generation.ts';
import { compareModels, comparisonFiles } from './compare.ts';
import { type DemoRow, runDemo } from './demo.ts';
import { RUN_FUNCTIONS, steered } from './drive-run.ts';
import type { ModelHost } from './engine.ts';

const ignoreProgress = () => {};
const never = new AbortController().signal;

async function pickFolder(): Promise<FolderDescription> {
  const handle = await window.showDirectoryPicker({ mode: 'read' });
  return { kind: 'handle', name: handle.name, handle };
}

interface MergeArguments {
  /** Default: the three of a fine-tune and a safety vector's two models. */
  roles?: Role[];
  recipe?: Recipe;
  yaml?: string;
  /** Of the new subfolder in the folder picked last. */
  name: string;
  backend: BackendWish;
  workers?: number;
  /** Weight files written at the same time. */
  lanes?: number;
  chunkBytes?: number;
  /** Into the browser's own storage instead of a picked folder. */
  stored?: boolean;
}

/** Picks the folders of `roles` in their order, then the folder to write into. */
async function merge({
  roles = ['sft', 'aligned', 'unaligned'],
  recipe,
  yaml,
  name,
  backend,
  workers,
  lanes,
  chunkBytes,
  stored,
}: MergeArguments) {
  const inputs: MergeInputs = {};
  for (const role of roles) inputs[role] = await pickFolder();
  const output: OutputDescription = stored
    ? { kind: 'opfs', name }
    : { kind: 'handle', parent: await window.showDirectoryPicker({ mode: 'readwrite' }), name };
  const chosen = yaml === undefined ? recipe : await recipeFromYaml(yaml);
  if (!chosen) throw new AppError('recipe-invalid', 'No recipe was given.', 'Give --recipe FILE or --method.');
  const options = {
    backend,
    ...(workers && { workers }),
    ...(lanes && { lanes }),
    ...(chunkBytes && { chunkBytes }),
  };
  return runMerge({ recipe: chosen, inputs }, output, options, ...steered());
}

/** Picks the model, then the folder in which a new one, `name`, is made. */
async function exportModel({ name, precision }: { name: string; precision: Precision }) {
  const folder = await pickFolder();
  const parent = await window.showDirectoryPicker({ mode: 'readwrite' });
  const [onProgress, signal] = steered();
  return exportOnnx(folder, { kind: 'handle', parent, name }, precision, onProgress, signal);
}

interface ModelArguments {
  backend: ModelBackend;
}

async function pickModel({ backend }: ModelArguments): Promise<{ host: ModelHost; id: number }> {
  const host = openModelHost();
  const { id } = await host.load(await pickFolder(), { backend }, ignoreProgress);
  return { host, id };
}

async function logits({ ids, ...model }: ModelArguments & { ids: number[][] }): Promise<number[][][]> {
  const { host, id } = await pickModel(model);
  const { dims, data } = await host.logits(id, ids);
  const [, positions, vocabulary] = dims;
  // Rows may be shorter than the longest one: each gives as many positions as it has tokens.
  return ids.map((row, index) =>
    row.map((_, position) => {
      const start = (index * positions + position) * vocabulary;
      return Array.from(data.subarray(start, start + vocabulary));
    }),
  );
}

async function generate({ prompts, backend, ...options }: ModelArguments & GenerateOptions & { prompts: string }) {
  const texts = parsePrompts(prompts).items.map((item) => item.prompt);
  const { host, id } = await pickModel({ backend });
  return host.generate(id, texts, options, ignoreProgress, never);
}

async function score({ items, backend, ...options }: ModelArguments & ScoreOptions & { items: ChoiceItem[] }) {
  const { host, id } = await pickModel({ backend });
  return host.scoreChoices(id, items, options, never);
}

async function perplexity({ text, backend, ...options }: ModelArguments & ScoreOptions & { text: string }) {
  const { host, id } = await pickModel({ backend });
  return host.textPerplexity(id, text, options, never);
}

/** Picks `count` folders and judges their answers to the same prompts. */
async function compare(options: ModelArguments & { count: number; prompts: string; maxNewTokens: number }) {
  const folders: FolderDescription[] = [];
  while (folders.length < options.count) folders.push(await pickFolder());
  const comparison = await compareModels(folders, parsePrompts(options.prompts), options, ignoreProgress, never);
  return { ...comparison, files: comparisonFiles(comparison) };
}

/** The whole family on the built-in prompts, or on the first `limit` of each set. */
async function demo({ limit }: { limit?: number }): Promise<DemoRow[]> {
  const options = limit ? { limit: { harmful: limit, harmless: limit, task: limit } } : {};
  return runDemo(options, ignoreProgress, never);
}

async function inspect() {
  return inspectFolder(await pickFolder());
}

const FUNCTIONS = {
  ...RUN_FUNCTIONS,
  inspect,
  merge,
  export: exportModel,
  logits,
  generate,
  score,
  perplexity,
  compare,
  demo,
};

type Outcome = { value: unknown } | { error: Partial<AppErrorShape> & { message: string } };

/** Errors go back as values: an exception would lose its code and hint on the way to the terminal. */
async function call(name: keyof typeof FUNCTIONS, argument: never): Promise<Outcome> {
  try {
    return { value: await FUNCTIONS[name](argument) };
  } catch (error) {
    if (error instanceof AppError) return { error: error.toShape() };
    return { error: { message: error instanceof Error ? error.message : String(error) } };
  }
}

/** Puts the functions where the driver finds them. */
export function installDrive(): void {
  Object.assign(window, { restaDrive: { call } });
}
