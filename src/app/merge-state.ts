/**
 * The state of Merge: three folders, a recipe, the plan that follows from them, and the running merge. Every change of a folder or of the
 * recipe plans anew from headers alone, so that what cannot work is said before anything is written.
 */

import { batch, computed, effect, signal, untracked } from '@preact/signals';
import type { MethodRow } from '../../workers/merge.worker.ts';
import type { FolderDescription } from '../files/folder.ts';
import type { Inspection } from '../files/inspect.ts';
import type { OutputDescription } from '../files/writer.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { MergePlan } from '../merge/plan.ts';
import type { Recipe, Role } from '../merge/recipe.ts';
import type { MergeRequest } from '../merge/request.ts';
import type { MergeResult } from '../merge/run.ts';
import type { ModelSource } from './compare.ts';
import { type FolderName, loadFamily } from './demo.ts';
import { client } from './engine.ts';
import { pickFolder } from './folders.ts';
import { startJob } from './jobs.ts';
import { type Problem, problemOf } from './problem.ts';
import { loadRecents, type Recent, remember } from './recents.ts';

/** In the order of the formula. */
export const ROLES: readonly Role[] = ['sft', 'aligned', 'unaligned'];

export type Slot =
  | { state: 'empty' }
  | { state: 'opening'; name: string }
  | { state: 'open'; folder: FolderDescription; inspection: Inspection; seconds: number }
  | { state: 'failed'; name: string; problem: Problem };

const EMPTY: Slot = { state: 'empty' };

/** What each role's folder is. */
export const slots = signal<Record<Role, Slot>>({ sft: EMPTY, aligned: EMPTY, unaligned: EMPTY, vector: EMPTY });
/** The methods table; empty until the worker gave it. */
export const methods = signal<readonly MethodRow[]>([]);
/** What will be done with the folders. */
export const recipe = signal<Recipe>({ version: 1, method: 'resta', g: 1, convention: 'harm-tuned' });
/** The recipe as YAML, as `npm run drive -- merge --recipe` and other tools take it; empty until somebody looked. */
export const recipeText = signal('');
/** Of the subfolder to be made; empty means the proposed one. */
export const outputName = signal('');
/** The merge laid out, once all three folders are open and fit. */
export const plan = signal<MergePlan | undefined>(undefined);
/** Why there is no plan. */
export const planProblem = signal<Problem | undefined>(undefined);
/** Of the last merge. */
export const result = signal<MergeOutcome | undefined>(undefined);
/** Folders of earlier visits. */
export const recents = signal<readonly Recent[]>([]);
/** True after the person closed the picker of a model: a hint, not an error. */
export const pickerClosed = signal(false);
/** The same of the picker of the place to write. */
export const placeClosed = signal(false);

export interface MergeOutcome {
  result: MergeResult;
  /** "parent/name" on disk; only the name in memory. */
  place: string;
  folder: FolderDescription;
  /** What was done. */
  recipe: Recipe;
  /** Before, aligned, after: what Compare shows side by side. */
  compared: ModelSource[];
}

export const method = computed(() => methods.value.find((row) => row.id === recipe.value.method));

/** All three folders, or nothing. */
export const inputs = computed(() => {
  const open = ROLES.map((role) => slots.value[role]);
  if (!open.every((slot) => slot.state === 'open')) return undefined;
  const [sft, aligned, unaligned] = open.map((slot) => slot.folder) as [
    FolderDescription,
    FolderDescription,
    FolderDescription,
  ];
  return { sft, aligned, unaligned };
});

/** "my-model-resta-g1": a name that tells what was done, without characters that a file system refuses. */
export const proposedName = computed(() => {
  const { sft } = slots.value;
  const base = sft.state === 'open' ? sft.inspection.name.replace(/\.safetensors$/, '') : 'model';
  const { method: id, g, p } = recipe.value;
  const parts = [base, id.replace('_', '-'), `g${g}`, ...(id === 'resta_d' && p !== undefined ? [`p${p}`] : [])];
  return parts.join('-').replace(/[^\w.-]+/g, '-');
});

/** A row's formula with the person's own names in place of the roles. */
export function writtenFormula(
  formula: string,
  names: Readonly<Partial<Record<Role, string>>>,
  values: Partial<Recipe>,
): string {
  return formula
    .replace(/\b(sft|aligned|unaligned)\b/g, (role) => names[role as Role] ?? role)
    .replace(/\b([gp])\b(?=\s*[×)])/g, (letter) => String(values[letter as 'g' | 'p'] ?? letter));
}

function setSlot(role: Role, slot: Slot): void {
  slots.value = { ...slots.value, [role]: slot };
}

export function clearSlot(role: Role): void {
  setSlot(role, EMPTY);
}

/** Reads headers only. A newer folder for the same role wins over one that is still being read. */
export async function openSlot(role: Role, folder: FolderDescription): Promise<void> {
  const opening: Slot = { state: 'opening', name: folder.name };
  setSlot(role, opening);
  const begun = performance.now();
  try {
    const inspection = await (await client()).inspectFolder(folder);
    if (slots.value[role] !== opening) return;
    setSlot(role, { state: 'open', folder, inspection, seconds: (performance.now() - begun) / 1000 });
    recents.value = await remember(folder);
  } catch (error) {
    if (slots.value[role] === opening) setSlot(role, slotAfter(error, folder.name));
  }
}

function slotAfter(error: unknown, name: string): Slot {
  const problem = problemOf(error);
  return problem ? { state: 'failed', name, problem } : EMPTY;
}

/** For a folder that is still on its way (a picker, a drop): a cancel leaves the slot as it was. */
export async function openInto(role: Role, coming: Promise<FolderDescription>): Promise<void> {
  pickerClosed.value = false;
  try {
    await openSlot(role, await coming);
  } catch (error) {
    const problem = problemOf(error);
    if (problem) setSlot(role, { state: 'failed', name: '', problem });
    else pickerClosed.value = true;
  }
}

export async function openDemoModels(): Promise<void> {
  try {
    const family = await loadFamily();
    recipe.value = { ...recipe.value, g: family.proposedG, convention: 'harm-tuned' };
    await Promise.all(ROLES.map(async (role) => openSlot(role, await family.folder(role as FolderName))));
  } catch (error) {
    const problem = problemOf(error);
    if (problem) setSlot('sft', { state: 'failed', name: '', problem });
  }
}

/** Keeps the parameters that the new method shares with the old one; the others start at its defaults. */
export function chooseMethod(id: Recipe['method']): void {
  const row = methods.value.find((one) => one.id === id);
  const { version, g, convention, outputDtype, shardBytes } = recipe.value;
  const defaults = Object.fromEntries((row?.parameters ?? []).map((parameter) => [parameter.name, parameter.default]));
  recipe.value = {
    ...defaults,
    version,
    method: id,
    g,
    ...(convention && { convention }),
    ...(outputDtype && { outputDtype }),
    ...(shardBytes && { shardBytes }),
  };
}

export function setRecipe(change: Partial<Recipe>): void {
  recipe.value = { ...recipe.value, ...change };
}

/** Keeps `recipeText` up to date while it is shown. Gives back what stops it. */
export function watchRecipeText(): () => void {
  return effect(() => {
    const written = recipe.value;
    void client()
      .then(({ recipeToYaml }) => recipeToYaml(written))
      .then((text) => {
        if (recipe.peek() === written) recipeText.value = text;
      })
      .catch(() => {
        recipeText.value = ''; // a half-typed number: the plan says what is wrong with it
      });
  });
}

let planned = 0;

/** Fetches the methods and recents, and keeps the plan up to date; for when the screen is first shown. Gives back what stops it. */
export function watchPlan(): () => void {
  void client()
    .then(({ methodRows }) => methodRows())
    .then((rows) => {
      methods.value = rows;
    });
  void loadRecents().then((found) => {
    recents.value = found;
  });
  return effect(() => {
    const request = inputs.value && { recipe: recipe.value, inputs: inputs.value };
    untracked(() => replan(request));
  });
}

async function replan(request: MergeRequest | undefined): Promise<void> {
  const mine = ++planned;
  const settle = (next: MergePlan | undefined, problem: Problem | undefined) => {
    if (mine !== planned) return;
    batch(() => {
      plan.value = next;
      planProblem.value = problem;
    });
  };
  if (!request) return settle(undefined, undefined);
  try {
    settle(await (await client()).planMerge(request), undefined);
  } catch (error) {
    settle(undefined, problemOf(error));
  }
}

/** As many shards at a time as there are spare cores, up to two: the browser's own disk thread is the bound (bench/io). */
function workerCount(): number {
  return Math.min(2, Math.max(1, navigator.hardwareConcurrency - 1));
}

/** Asks where to write (a click must be on the stack), then merges as a job. Cancels and failures are told by the job. */
export async function mergeIntoFolder(label: string): Promise<void> {
  placeClosed.value = false;
  try {
    const parent = await pickFolder('readwrite');
    const name = outputName.value || proposedName.value;
    await runAsJob(label, { kind: 'handle', parent, name }, `${parent.name}/${name}`);
  } catch (error) {
    const problem = problemOf(error);
    if (problem) planProblem.value = problem;
    else placeClosed.value = true;
  }
}

/** For browsers that cannot write into folders: the result stays in memory and is offered as downloads. */
export async function mergeInMemory(label: string): Promise<void> {
  await runAsJob(label, { kind: 'memory' }, outputName.value || proposedName.value);
}

async function runAsJob(label: string, output: OutputDescription, place: string): Promise<void> {
  const request: MergeRequest = { recipe: recipe.value, inputs: inputs.value! };
  const { sft } = slots.value;
  const adapter = sft.state === 'open' && sft.inspection.kind === 'adapter';
  result.value = undefined;
  const options = { backend: 'wasm' as Backend, workers: workerCount() };
  const work = startJob('merge', label, async (onProgress, signal) => {
    const { runMerge } = await client();
    return runMerge(request, output, options, onProgress, signal);
  });
  // What went wrong stands in the job, where the screen shows it.
  const merged = await work.catch(() => undefined);
  if (!merged) return;
  const folder = await folderOf(merged, output, place);
  const compared = comparedSources(request, adapter, folder);
  result.value = { result: merged, place, folder, recipe: request.recipe, compared };
}

/**
 * Before, the model the fine-tune began with, and after: Compare's filters ask about the last. An adapter cannot answer by itself: folded into the aligned weights (g = 0) it can.
 */
export function comparedSources({ inputs }: MergeRequest, adapter: boolean, folder: FolderDescription): ModelSource[] {
  const { sft, aligned } = inputs as Required<Pick<typeof inputs, 'sft' | 'aligned'>>;
  const folded: MergeRequest = { recipe: { version: 1, method: 'resta', g: 0 }, inputs };
  const before: ModelSource = adapter ? { kind: 'merge', name: sft.name, request: folded } : sft;
  return [before, aligned, folder];
}

async function folderOf(merged: MergeResult, output: OutputDescription, name: string): Promise<FolderDescription> {
  // In memory it is named by nobody else.
  if (output.kind === 'memory') return { ...merged.folder!, name };
  const handle = await output.parent.getDirectoryHandle(output.name);
  return { kind: 'handle', name: output.name, handle };
}
