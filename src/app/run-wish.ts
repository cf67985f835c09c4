/** How the models of a comparison shall run: what a person chose. It lasts as long as the page; the defaults are what needs no choice. */

import { signal } from '@preact/signals';
import type { Precision } from '../graph/precision.ts';
import type { ModelWish } from '../model/generation.ts';
import type { TemplateChoice } from '../model/templates.ts';
import type { ModelSource } from './compare.ts';

/** A way to ask a model that has no chat template of its own. */
export type ChosenTemplate = Exclude<TemplateChoice, 'own'>;

export const runBackend = signal<ModelWish>('wasm');
export const runPrecision = signal<Precision>('f32');
/** By model. One without a template that is not in here waits for a choice. */
export const chosenTemplates = signal<ReadonlyMap<ModelSource, ChosenTemplate>>(new Map());

export function chooseTemplate(source: ModelSource, template: ChosenTemplate): void {
  chosenTemplates.value = new Map(chosenTemplates.value).set(source, template);
}
