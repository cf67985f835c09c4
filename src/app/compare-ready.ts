/**
 * Whether a comparison can begin, and what it would take: each opened model is looked at, again whenever what is asked of it or where it
 * shall run becomes another. Loaded with the Compare screen.
 */

import { computed, effect, untracked } from '@preact/signals';
import { compared, comparedNames, comparedPrompts, maxNewTokens } from './compare-state.ts';
import { asksForTemplate, look, outlooks } from './outlook.ts';
import { chosenTemplates, runBackend, runPrecision } from './run-wish.ts';

/** Prompts that are answered at the same time where there are as many: the default of src/model/generate.ts. */
const BATCH = 32;
/** Before a tokenizer is loaded tokens are not known: about three characters each, and a template around them. */
const CHARACTERS_OF_TOKEN = 3;
const TEMPLATE_TOKENS = 32;
/** Lengths are looked at in such steps, so that not every typed digit asks again. */
const LENGTH_STEP = 64;

export const workBatch = computed(() => Math.min(BATCH, comparedPrompts.value.length || BATCH));
/** Tokens of the longest prompt and its answer together, guessed. */
export const workLength = computed(() => {
  const longest = comparedPrompts.value.reduce((most, { prompt }) => Math.max(most, prompt.length), 0);
  const tokens = longest / CHARACTERS_OF_TOKEN + TEMPLATE_TOKENS + maxNewTokens.value;
  return LENGTH_STEP * Math.ceil(tokens / LENGTH_STEP);
});

effect(() => {
  const work = { batchSize: workBatch.value, length: workLength.value };
  const [sources, wish] = [compared.value, runBackend.value];
  untracked(() => void look(sources, wish, work));
});

/** The graphics card was chosen, and there is none. */
export const cardMissing = computed(
  () =>
    runBackend.value === 'webgpu' &&
    compared.value.some((source) => outlooks.value.get(source)?.preview?.backend === 'wasm'),
);

/** Halves are chosen where every model can have them. */
export const halvesOffered = computed(
  () =>
    compared.value.length > 0 &&
    compared.value.every((source) => outlooks.value.get(source)?.preview?.memory.f16 !== undefined),
);

/** Why a comparison cannot begin. */
export type Lack =
  | { what: 'both' | 'models' | 'prompts' | 'card' | 'halves' }
  | { what: 'fitness' | 'template'; model: string; others: boolean };

export const lack = computed<Lack | undefined>(() => {
  const sources = compared.value;
  const noPrompts = comparedPrompts.value.length === 0;
  if (sources.length === 0) return { what: noPrompts ? 'both' : 'models' };
  const firstOf = (what: 'fitness' | 'template', index: number): Lack | undefined =>
    index < 0 ? undefined : { what, model: comparedNames.value[index]!, others: sources.length > 1 };
  const unfit = sources.findIndex((source) => outlooks.value.get(source)?.problem);
  const unasked = sources.findIndex((source) => asksForTemplate(source) && !chosenTemplates.value.has(source));
  return firstOf('fitness', unfit) ?? firstOf('template', unasked) ?? (noPrompts ? { what: 'prompts' } : unavailable());
});

/** A wish that this computer cannot grant. */
function unavailable(): Lack | undefined {
  if (cardMissing.value) return { what: 'card' };
  return runPrecision.value === 'f16' && !halvesOffered.value ? { what: 'halves' } : undefined;
}
