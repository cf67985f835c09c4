/**
 * Merges under the driver, beyond starting them: their progress as events ('drive-progress' on the window), what steers the one that is
 * running, and what is left of those that were cut off. A part of drive.ts.
 */

import {
  deleteStored,
  discardRun,
  resumeMerge,
  storedFiles,
  storedOutputs,
  unfinishedRuns,
} from '../../workers/client.ts';
import { AppError } from '../core/errors.ts';
import { PauseSignal } from '../core/pause.ts';
import type { OnProgress } from '../core/progress.ts';
import type { UnfinishedRun } from '../merge/run/journal.ts';

let controller = new AbortController();
let pause = new PauseSignal();

const tell: OnProgress = (progress) => {
  dispatchEvent(new CustomEvent('drive-progress', { detail: progress }));
};

/** The last arguments of `runMerge` and `resumeMerge`; from now on `cancel`, `pause` and `goOn` mean this run. */
export function steered(): [OnProgress, AbortSignal, PauseSignal] {
  controller = new AbortController();
  pause = new PauseSignal();
  return [tell, controller.signal, pause];
}

async function find(id: string): Promise<UnfinishedRun> {
  const run = (await unfinishedRuns()).find((one) => one.id === id);
  if (run) return run;
  throw new AppError('run-changed', `There is no unfinished merge ${id}.`, 'List them with "unfinished".', { id });
}

export const RUN_FUNCTIONS = {
  cancel: async () => controller.abort(),
  pause: async () => pause.set(true),
  goOn: async () => pause.set(false),
  /** Without the handles, which no terminal can use. */
  unfinished: async () => (await unfinishedRuns()).map(({ output, ...run }) => ({ ...run, kind: output.kind })),
  resume: async ({ id, workers }: { id: string; workers?: number }) =>
    resumeMerge(await find(id), {}, workers ? { workers } : {}, ...steered()),
  discard: async ({ id }: { id: string }) => discardRun(await find(id)),
  stored: storedOutputs,
  /** Names, sizes and SHA-256 of the files of a merge in the browser's own storage. */
  storedFiles: async ({ name }: { name: string }) =>
    Promise.all(
      (await storedFiles(name)).map(async ({ path, file }) => ({
        path,
        bytes: file.size,
        sha256: [...new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))]
          .map((byte) => byte.toString(16).padStart(2, '0'))
          .join(''),
      })),
    ),
  deleteStored: ({ name }: { name: string }) => deleteStored(name),
};
