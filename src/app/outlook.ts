/**
 * What is known of a model before it is loaded: its family, what it would take, whether it has a template, or why it cannot run here.
 * The page's own host for models is asked, which reads headers and small files only and brings up no runtime for it.
 */

import { signal } from '@preact/signals';
import type { FolderDescription } from '../files/folder.ts';
import type { ModelPreview, ModelWish } from '../model/generation.ts';
import type { ModelSource } from './compare.ts';
import { type ModelHost, modelHost } from './engine.ts';
import { type Problem, problemOf } from './problem.ts';

/** One of the two; neither while it is being looked at. */
export interface Outlook {
  preview?: ModelPreview;
  problem?: Problem;
}

/** By model; the one before stays until the next is there. */
export const outlooks = signal<ReadonlyMap<ModelSource, Outlook>>(new Map());

/** What the answers will need beside the weights; the same as in src/model/memory.ts. */
export type Work = Parameters<ModelHost['preview']>[2];

/** It has no template of its own, so that a person must say how to ask it. */
export function asksForTemplate(source: ModelSource): boolean {
  return outlooks.value.get(source)?.preview?.hasTemplate === false;
}

/** Which look may write: an older one knows other wishes. */
let latest = 0;

/** Looks at each model anew; what is known of others is forgotten. */
export async function look(sources: readonly ModelSource[], wish: ModelWish, work: Work): Promise<void> {
  const mine = ++latest;
  outlooks.value = new Map([...outlooks.value].filter(([source]) => sources.includes(source)));
  await Promise.all(
    sources.map(async (source) => {
      const found = await outlookOf(source, wish, work);
      if (mine === latest) outlooks.value = new Map(outlooks.value).set(source, found);
    }),
  );
}

async function outlookOf(source: ModelSource, wish: ModelWish, work: Work): Promise<Outlook> {
  let problem: Problem | undefined;
  for (const folder of foldersOf(source)) {
    try {
      return { preview: await (await modelHost()).preview(folder, wish, work) };
    } catch (error) {
      problem = problemOf(error);
    }
  }
  return problem ? { problem } : {};
}

/** What a merge gives has the shapes of its fine-tune, or of the model that an adapter is folded into. */
function foldersOf(source: ModelSource): FolderDescription[] {
  if (source.kind !== 'merge') return [source];
  const { sft, aligned } = source.request.inputs;
  return [sft, aligned].filter((folder) => folder !== undefined);
}
