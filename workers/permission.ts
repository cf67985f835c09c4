/** Folders of an earlier visit: the browser forgot that we may use them, and asks the person again. Needs a click on the stack. */

import { AppError } from '../src/core/errors.ts';
import type { OutputDescription } from '../src/files/output/writer.ts';
import { type MergeInputs, rolesOf } from '../src/merge/recipe/request.ts';

/** Firefox and Safari know no permissions of handles: theirs are only of their own storage, which needs none. */
type Asking = FileSystemDirectoryHandle & Partial<Pick<FileSystemHandle, 'queryPermission' | 'requestPermission'>>;

async function allowed(handle: Asking, mode: 'read' | 'readwrite'): Promise<boolean> {
  if (!handle.queryPermission || !handle.requestPermission) return true;
  if ((await handle.queryPermission({ mode })) === 'granted') return true;
  // Without a fresh click the browser does not even ask: the next one goes on from here.
  return (await handle.requestPermission({ mode }).catch(() => 'denied')) === 'granted';
}

/** @throws AppError 'folder-unwritable' when the person (or the browser) says no */
export async function askToWrite(output: OutputDescription): Promise<void> {
  if (output.kind !== 'handle' || (await allowed(output.parent, 'readwrite'))) return;
  throw new AppError(
    'folder-unwritable',
    `The browser may not write into ${output.parent.name}.`,
    'Try again and allow it when the browser asks.',
    { folder: output.parent.name },
  );
}

/** @throws AppError 'file-unreadable' */
export async function askToRead(inputs: MergeInputs): Promise<void> {
  for (const role of rolesOf(inputs)) {
    const folder = inputs[role]!;
    if (folder.kind !== 'handle' || (await allowed(folder.handle, 'read'))) continue;
    throw new AppError(
      'file-unreadable',
      `The browser may not read ${folder.name}.`,
      'Try again and allow it when the browser asks.',
      { folder: folder.name, role },
    );
  }
}
