/**
 * Bytes out: a new subfolder on disk, or files in memory. One writable per file; `close` is the commit of that file, `finish` that of the folder.
 * A path may name one folder inside it ("onnx/model.onnx").
 *
 * Until `finish`, a folder on disk holds a marker file named after the run. It lets several workers write into one folder, keeps everybody's
 * hands off folders we did not make, and tells a person who finds it after a crash that the folder is incomplete.
 */

import { AppError } from '../../core/errors.ts';
import type { FolderDescription } from '../folder.ts';
import { openedFile } from '../handle.ts';
import { type ByteSource, blobSource } from '../source.ts';
import { createStored, createSwapped, exists, fileSize, isNamed, remove, writeError } from './output-file.ts';
import { memoryOutput } from './output-memory.ts';
import { storedRoot } from './stored.ts';

/** Crosses threads. `name` is the subfolder to make inside `parent`, or in the browser's own storage (the origin private file system). */
export type OutputDescription =
  | { kind: 'handle'; parent: FileSystemDirectoryHandle; name: string }
  | { kind: 'opfs'; name: string }
  | { kind: 'memory' };

/** One file being written. Every method may reject with AppError 'disk-full', 'folder-unwritable'. */
export interface OutputFile {
  /** Pieces go in order of position, without gaps. The bytes may be reused as soon as the promise resolves. */
  write(position: number, bytes: Uint8Array | Blob): Promise<void>;
  /** Commits the file. */
  close(): Promise<OutputBlob>;
  /** Takes the unfinished file away again. Never rejects. */
  abort(): Promise<void>;
}

/** A finished file; `blob` only in memory. */
export interface OutputBlob {
  path: string;
  bytes: number;
  blob?: Blob;
}

export interface Output {
  /** Rejects with 'output-exists' when this very file is there already. */
  create(path: string): Promise<OutputFile>;
  /** Bytes of a finished file, undefined when there is none. */
  size(path: string): Promise<number | undefined>;
  /** A finished file to be read again, undefined when there is none. Not in memory. */
  open(path: string): Promise<ByteSource | undefined>;
  /** Takes away these files of this run, and the swap files that a killed browser left of them. */
  remove(paths: readonly string[]): Promise<void>;
  /** Declares the folder complete: takes the marker away. Gives back the folder, unless it is one that the person picked. */
  finish(name: string): Promise<FolderDescription | undefined>;
  /** Takes away the named files and the folder, if this run made them; anything else is left alone. Never rejects for files that are gone. */
  discard(paths: readonly string[]): Promise<void>;
}

/** A small file in one piece; what could not be written whole is not there. Rejects as creating and writing do. */
export async function writeWhole(output: Output, path: string, bytes: Uint8Array): Promise<void> {
  const file = await output.create(path);
  try {
    await file.write(0, bytes);
    await file.close();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/**
 * Joins the output of a run, making the folder at the first call. Files made elsewhere can be handed over with `adopt` (memory only).
 * @param run what names the run; the same in all workers of one merge
 * @throws AppError 'output-exists' if the folder holds anything that this run did not make, 'folder-unwritable'
 */
export async function openOutput(
  description: OutputDescription,
  run: string,
  adopt: readonly OutputBlob[] = [],
): Promise<Output> {
  if (description.kind === 'memory') return memoryOutput(adopt);
  const place = await placeOf(description);
  const folder = await madeFolder(place);
  await claim(folder, markerName(run));
  return folderOutput(place, folder, markerName(run));
}

/**
 * As `openOutput`, for the beginning of a run: a folder that holds an earlier attempt at the very same run is refused too, because it is to
 * be resumed or discarded, and never written over.
 */
export async function claimOutput(description: OutputDescription, run: string): Promise<void> {
  if (description.kind === 'memory') return;
  const folder = await madeFolder(await placeOf(description));
  if (await exists(folder, markerName(run))) throw existing(folder, 'earlier attempt', []);
  await claim(folder, markerName(run));
}

/**
 * What became of a run's output: 'unfinished' has the marker, 'finished' has the file that comes last and no marker, 'gone' is neither.
 * @param last the file that is written last
 */
export async function outputState(
  description: OutputDescription,
  run: string,
  last: string,
): Promise<'unfinished' | 'finished' | 'gone'> {
  const found = await foundOutput(description, run);
  if (!found) return 'gone';
  if (await exists(found.folder, markerName(run))) return 'unfinished';
  return (await exists(found.folder, last)) ? 'finished' : 'gone';
}

/** A finished output to be read again, undefined when there is none; `folder` as `finish` gave it. */
export async function finishedOutput(
  description: OutputDescription,
  run: string,
): Promise<(Pick<Output, 'open'> & { folder?: FolderDescription }) | undefined> {
  const found = await foundOutput(description, run);
  if (!found || (await exists(found.folder, markerName(run)))) return undefined;
  const { folder, output } = found;
  if (description.kind !== 'opfs') return { open: output.open };
  return { open: output.open, folder: { kind: 'handle', name: description.name, handle: folder } };
}

/** As `openOutput(…).discard(paths)`, but makes nothing: a run that failed before its first write has nothing to discard. */
export async function discardOutput(
  description: OutputDescription,
  run: string,
  paths: readonly string[],
): Promise<void> {
  const found = await foundOutput(description, run);
  if (found && (await exists(found.folder, markerName(run)))) await found.output.discard(paths);
}

type Place = { kind: 'handle' | 'opfs'; parent: FileSystemDirectoryHandle; name: string };

async function placeOf(description: Exclude<OutputDescription, { kind: 'memory' }>): Promise<Place> {
  if (description.kind === 'handle') return description;
  return { ...description, parent: await storedRoot() };
}

function madeFolder({ parent, name }: Place): Promise<FileSystemDirectoryHandle> {
  return parent.getDirectoryHandle(name, { create: true }).catch((error: unknown) => {
    throw writeError(error, name);
  });
}

async function foundOutput(
  description: OutputDescription,
  run: string,
): Promise<{ folder: FileSystemDirectoryHandle; output: Output } | undefined> {
  if (description.kind === 'memory') return undefined;
  const place = await placeOf(description);
  const folder = await place.parent.getDirectoryHandle(place.name).catch((error: unknown) => {
    if (isNamed(error, 'NotFoundError') || isNamed(error, 'TypeMismatchError')) return undefined;
    throw writeError(error, place.name);
  });
  return folder && { folder, output: folderOutput(place, folder, markerName(run)) };
}

/** Empty files called UNFINISHED-<run>.txt. */
export const MARKER_PREFIX = 'UNFINISHED-';
/** Safe in every file system; long enough that two runs never meet by chance. */
function markerName(run: string): string {
  return `${MARKER_PREFIX}${run.slice(0, 16)}.txt`;
}

async function claim(folder: FileSystemDirectoryHandle, marker: string): Promise<void> {
  const names: string[] = [];
  for await (const name of folder.keys()) if (!name.endsWith('.crswap')) names.push(name);
  // Asked for by name: a listing may miss what another worker makes while it runs.
  if (await exists(folder, marker)) return;
  if (names.length > 0) {
    const unfinished = names.some((name) => name.startsWith(MARKER_PREFIX));
    throw existing(folder, unfinished ? 'another merge' : 'files', names);
  }
  // Its name says it all. Empty, because two workers may make it at once and only one could write.
  await folder.getFileHandle(marker, { create: true }).catch((error: unknown) => {
    throw writeError(error, marker);
  });
  // Another merge may have claimed the folder since it was listed: then both step back, and neither removes what the other writes.
  const rivals: string[] = [];
  for await (const name of folder.keys()) if (name.startsWith(MARKER_PREFIX) && name !== marker) rivals.push(name);
  if (rivals.length === 0) return;
  await remove(folder, marker);
  throw existing(folder, 'another merge', rivals);
}

const EXISTING = {
  files: ['exists already and is not empty.', 'Choose another name for the output; nothing is ever overwritten.'],
  'another merge': [
    'holds the unfinished output of another merge or export.',
    'If it is being written now, perhaps in another tab, wait for that. Otherwise delete that folder, or choose another name.',
  ],
  'earlier attempt': [
    'holds an unfinished attempt at this very merge.',
    'Resume or discard the unfinished merge, or choose another name for the output.',
  ],
} as const;

function existing(folder: FileSystemDirectoryHandle, what: keyof typeof EXISTING, names: readonly string[]): AppError {
  const [said, hint] = EXISTING[what];
  return new AppError('output-exists', `${folder.name} ${said}`, hint, {
    folder: folder.name,
    files: names.slice(0, 20),
  });
}

/** What Chromium calls the file it writes to until `close`. */
const swapName = (path: string) => `${path}.crswap`;

function folderOutput({ kind, parent, name }: Place, folder: FileSystemDirectoryHandle, marker: string): Output {
  /** Undefined where its folder is not there. */
  const found = async (path: string) => locate(folder, path, false);
  const removeAll = async (paths: readonly string[]) => {
    for (const path of paths) {
      const place = await found(path);
      if (!place) continue;
      for (const one of [place.name, swapName(place.name)]) await remove(place.folder, one);
    }
  };
  return {
    async create(path) {
      const place = (await locate(folder, path, true))!;
      if (await exists(place.folder, place.name)) {
        throw new AppError(
          'output-exists',
          `${folder.name} already holds ${path}.`,
          'Choose another name for the output; nothing is ever overwritten.',
          { folder: folder.name, files: [path] },
        );
      }
      const file = await (kind === 'opfs' ? createStored : createSwapped)(place.folder, place.name);
      return { ...file, close: async () => ({ ...(await file.close()), path }) };
    },
    async size(path) {
      const place = await found(path);
      return place && fileSize(place.folder, place.name);
    },
    async open(path) {
      const place = await found(path);
      if (!place || !(await exists(place.folder, place.name))) return undefined;
      return blobSource(await openedFile(place.folder, place.name), path);
    },
    remove: removeAll,
    async finish() {
      await remove(folder, marker);
      return kind === 'opfs' ? { kind: 'handle', name, handle: folder } : undefined;
    },
    async discard(paths) {
      await removeAll(paths);
      await removeEmpty(folder, paths);
      await remove(folder, marker);
      // Not recursive: a folder that holds anything we did not make stays.
      await parent.removeEntry(folder.name).catch(() => {});
    },
  };
}

/** The folder that holds a file of the output, which may be one inside it, and the file's name there. */
async function locate(
  folder: FileSystemDirectoryHandle,
  path: string,
  create: boolean,
): Promise<{ folder: FileSystemDirectoryHandle; name: string } | undefined> {
  const [inner, name] = path.split('/');
  if (name === undefined) return { folder, name: path };
  try {
    return { folder: await folder.getDirectoryHandle(inner!, { create }), name };
  } catch (error) {
    if (!create && isNamed(error, 'NotFoundError')) return undefined;
    throw writeError(error, path);
  }
}

/** Folders inside that these paths name. Not recursive: one that holds anything else stays. */
async function removeEmpty(folder: FileSystemDirectoryHandle, paths: readonly string[]): Promise<void> {
  const inner = new Set(paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0]!));
  for (const name of inner) await folder.removeEntry(name).catch(() => {});
}
