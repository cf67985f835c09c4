/**
 * Recipes as mergekit writes them, both ways, where a method exists there. RESTA is its task arithmetic with `aligned` as the base:
 * aligned + 1 × (sft − aligned) − g × (unaligned − aligned) = sft + g × (aligned − unaligned). RESTA_d is its dare_linear, which draws
 * another random mask. Plain objects; the text is recipe-text.ts's.
 */

import { isJsonObject, type JsonObject } from '../../files/json.ts';
import { appliedMethod, completeRecipe } from './methods.ts';
import { invalidRecipe, parseRecipe, type Recipe, type Role } from './recipe.ts';

const TORCH_NAMES: Record<string, NonNullable<Recipe['outputDtype']>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
};

/** True for the configuration of another program: ours have a version and a method. */
export function isMergekit(value: unknown): value is JsonObject {
  return isJsonObject(value) && 'merge_method' in value;
}

/**
 * @param names of the folders, as mergekit shall find them
 * @throws AppError 'recipe-invalid' for what mergekit has no words for
 */
export function toMergekit(recipe: Recipe, names: Partial<Record<Role, string>>): JsonObject {
  const { p, outputDtype, scales, include, exclude } = completeRecipe(recipe);
  const { sft = 'sft', aligned = 'aligned', unaligned = 'unaligned' } = names;
  if (recipe.output === 'vector') throw invalidRecipe('output', 'writes only a safety vector, which mergekit does not');
  if (names.vector !== undefined)
    throw invalidRecipe('the recipe', 'uses a saved safety vector, which mergekit does not know');
  const drops = appliedMethod(recipe).id === 'resta_d';
  const weight = -recipe.g;
  // The first filter that fits counts there too.
  const filters = [
    ...(exclude ?? []).map((pattern) => ({ filter: filterOf(pattern), value: 0 })),
    ...(scales ?? []).map(({ match, g }) => ({ filter: filterOf(match), value: negative(g) })),
  ];
  const inside = (include ?? []).map((pattern) => ({ filter: filterOf(pattern), value: weight }));
  if (inside.length > 0 && (scales ?? []).length > 0)
    throw invalidRecipe('include', 'cannot be told to mergekit beside scales');
  const rest = { value: inside.length > 0 ? 0 : weight };
  const varied = filters.length + inside.length > 0 ? [...filters, ...inside, rest] : weight;
  return {
    merge_method: drops ? 'dare_linear' : 'task_arithmetic',
    base_model: aligned,
    models: [
      { model: sft, parameters: { weight: 1, ...(drops ? { density: round(1 - p!) } : {}) } },
      { model: unaligned, parameters: { weight: varied, ...(drops ? { density: 1 } : {}) } },
    ],
    parameters: { normalize: false },
    dtype: 'float32',
    ...(outputDtype && outputDtype !== 'same' ? { out_dtype: torchName(outputDtype) } : {}),
  };
}

/** mergekit's filters are parts of names. */
function filterOf(pattern: string): string {
  const part = /^\*([^*?]+)\*$/.exec(pattern)?.[1];
  if (part === undefined)
    throw invalidRecipe(
      `the pattern “${pattern}”`,
      'is not of the form “*part of a name*”, the only one that mergekit has',
    );
  return part;
}

function negative(g: number | readonly number[]): number | number[] {
  return typeof g === 'number' ? -g : g.map((one) => -one);
}

function torchName(dtype: string): string {
  return Object.keys(TORCH_NAMES).find((name) => TORCH_NAMES[name] === dtype)!;
}

/** 1 - 0.3 as a person would write it. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}

/** @throws AppError 'recipe-invalid' for every configuration that is not RESTA in mergekit's words */
export function fromMergekit(config: JsonObject): Recipe {
  const method = config.merge_method;
  if (method !== 'task_arithmetic' && method !== 'dare_linear') {
    throw invalidRecipe('merge_method', 'is not one that can be RESTA: task_arithmetic or dare_linear');
  }
  if (typeof config.base_model !== 'string')
    throw invalidRecipe('base_model', 'must name the aligned model, or the unaligned one');
  const parameters = isJsonObject(config.parameters) ? config.parameters : {};
  if (parameters.normalize === true)
    throw invalidRecipe('normalize', 'must be false: RESTA does not divide by the sum of the weights');
  const models = modelsOf(config);
  const [sft, other] = rolesAmong(models);
  const strength = strengthOf(other.weight, method === 'dare_linear');
  const density = sft.density ?? parameters.density;
  if (method === 'dare_linear' && typeof density !== 'number') throw invalidRecipe('density', 'must be a number');
  const dtype = config.out_dtype;
  return parseRecipe({
    version: 1,
    method: method === 'dare_linear' ? 'resta_d' : 'resta',
    ...strength,
    ...(method === 'dare_linear' ? { p: round(1 - (density as number)) } : {}),
    ...(typeof dtype === 'string' && TORCH_NAMES[dtype] ? { outputDtype: TORCH_NAMES[dtype] } : {}),
  });
}

interface Weighed {
  weight: unknown;
  density: unknown;
}

function modelsOf(config: JsonObject): Weighed[] {
  const models = Array.isArray(config.models) ? config.models : [];
  return models.flatMap((entry): Weighed[] => {
    if (!isJsonObject(entry) || entry.model === config.base_model) return [];
    const own = isJsonObject(entry.parameters) ? entry.parameters : {};
    return [{ weight: own.weight, density: own.density }];
  });
}

/** The fine-tune counts once; the other one is what its base is subtracted from, or what is subtracted. */
function rolesAmong(models: readonly Weighed[]): [Weighed, Weighed] {
  const sft = models.find(({ weight }) => weight === 1);
  const [other, ...more] = models.filter((model) => model !== sft);
  if (sft && other && more.length === 0) return [sft, other];
  throw invalidRecipe('models', 'must be, beside the base, a fine-tune with weight 1 and one other model');
}

/**
 * With the aligned model as the base, the other one is subtracted; with the unaligned one as the base, the other one is added: either way
 * the fine-tune + g × (aligned − unaligned).
 */
function strengthOf(weight: unknown, dares: boolean): { g: unknown; scales?: unknown } {
  const rules = Array.isArray(weight) && weight.every(isJsonObject) ? weight : [{ value: weight }];
  const numbers = rules.flatMap(({ value }) => [value].flat()).filter((value) => typeof value === 'number');
  const added = numbers.some((value) => value > 0);
  if (added && numbers.some((value) => value < 0))
    throw invalidRecipe('weight', 'has both signs: some safety would be removed');
  if (added && dares)
    throw invalidRecipe('base_model', 'must be the aligned model, from which the fine-tune drops its changes');
  const strength = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strength);
    return typeof value === 'number' ? Math.abs(value) : value;
  };
  const named = rules.filter(({ filter }) => typeof filter === 'string' && filter !== '*');
  const rest = rules.find((rule) => !named.includes(rule));
  const scales = named.map(({ filter, value }) => ({ match: `*${filter as string}*`, g: strength(value) }));
  return { g: rest ? strength(rest.value) : 0, ...(scales.length > 0 ? { scales } : {}) };
}
