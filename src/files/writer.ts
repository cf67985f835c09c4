/**
 * Bytes out: a new subfolder on disk, or files in memory. One writable per file; `close` is the commit of that file, `finish` that of the folder.
 *
 * Until `finish`, a folder on disk holds a marker file named after the run. It lets several workers write into one folder, keeps everybody's
 * hands off folders we did not make, and tells a person who finds it after a crash that the folder is incomplete.
 */

import { AppError } from '../core/errors.ts';
import type { FolderDescription } from './folder.ts';

/** Crosses threads. `name` is the subfolder to make inside `parent`. */
export type OutputDescription =
  | { kind: 'handle'; parent: FileSystemDirectoryHandle; name: string }
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
  /** Declares the folder complete: takes the marker away. In memory, gives back the folder. */
  finish(name: string): Promise<FolderDescription | undefined>;
  /** Takes away the named files and the folder, if this run made them; anything else is left alone. Never rejects for files that are gone. */
  discard(paths: readonly string[]): Promise<void>;
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
  const { parent, name } = description;
  const marker = markerName(run);
  const folder = await parent.getDirectoryHandle(name, { create: true }).catch((error: unknown) => {
    throw writeError(error, name);
  });
  await claim(folder, marker);
  return folderOutput(parent, folder, marker);
}

/** As `openOutput(…).discard(paths)`, but makes nothing: a run that failed before its first write has nothing to discard. */
export async function discardOutput(
  description: OutputDescription,
  run: string,
  paths: readonly string[],
): Promise<void> {
  if (description.kind === 'memory') return;
  const folder = await description.parent.getDirectoryHandle(description.name).catch((error: unknown) => {
    if (isNamed(error, 'NotFoundError') || isNamed(error, 'TypeMismatchError')) return undefined;
    throw writeError(error, description.name);
  });
  if (folder && (await exists(folder, markerName(run))))
    await folderOutput(description.parent, folder, markerName(run)).discard(paths);
}

/** Empty files called UNFINISHED-<run>.txt. */
const MARKER_PREFIX = 'UNFINISHED-';
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
    throw new AppError(
      'output-exists',
      unfinished
        ? `${folder.name} holds the unfinished output of another merge.`
        : `${folder.name} exists already and is not empty.`,
      unfinished
        ? 'Delete that folder, or choose another name for the output.'
        : 'Choose another name for the output; nothing is ever overwritten.',
      { folder: folder.name, files: names.slice(0, 20) },
    );
  }
  // Its name says it all. Empty, because two workers may make it at once and only one could write.
  await folder.getFileHandle(marker, { create: true }).catch((error: unknown) => {
    throw writeError(error, marker);
  });
}

function folderOutput(parent: FileSystemDirectoryHandle, folder: FileSystemDirectoryHandle, marker: string): Output {
  return {
    async create(path) {
      if (await exists(folder, path)) {
        throw new AppError(
          'output-exists',
          `${folder.name} already holds ${path}.`,
          'Choose another name for the output; nothing is ever overwritten.',
          {
            folder: folder.name,
            files: [path],
          },
        );
      }
      return createFile(folder, path);
    },
    size: (path) => fileSize(folder, path),
    async finish() {
      await remove(folder, marker);
      return undefined;
    },
    async discard(paths) {
      for (const path of [...paths, marker]) await remove(folder, path);
      // Not recursive: a folder that holds anything we did not make stays.
      await parent.removeEntry(folder.name).catch(() => {});
    },
  };
}

/** Writers in use. Chromium ends a writable whose JavaScript object is collected, even while bytes are on their way. */
const live = new Set<FileSystemWritableFileStream>();

async function createFile(folder: FileSystemDirectoryHandle, path: string): Promise<OutputFile> {
  // 'exclusive' stops a second tab from writing the same file; the DOM types do not know it yet.
  const options = { keepExistingData: false, mode: 'exclusive' } as FileSystemCreateWritableOptions;
  let writable: FileSystemWritableFileStream;
  try {
    writable = await (await folder.getFileHandle(path, { create: true })).createWritable(options);
  } catch (error) {
    throw writeError(error, path);
  }
  live.add(writable);
  let size = 0;
  return {
    async write(position, bytes) {
      checkPosition(path, position, size);
      const length = bytes instanceof Blob ? bytes.size : bytes.byteLength;
      try {
        await writable.write({ type: 'write', position, data: bytes as Blob | Uint8Array<ArrayBuffer> });
      } catch (error) {
        throw writeError(error, path);
      }
      size += length;
    },
    async close() {
      try {
        await writable.close();
      } catch (error) {
        throw writeError(error, path);
      }
      live.delete(writable);
      return { path, bytes: size };
    },
    async abort() {
      // A writable that failed is already ended: aborting it again throws and changes nothing.
      await writable.abort().catch(() => {});
      live.delete(writable);
      await remove(folder, path).catch(() => {}); // the empty file that getFileHandle made
    },
  };
}

function memoryOutput(adopted: readonly OutputBlob[]): Output {
  const files = new Map<string, Blob>();
  for (const { path, blob } of adopted) if (blob) files.set(path, blob);
  return {
    create: async (path) => {
      const parts: Blob[] = [];
      let size = 0;
      return {
        async write(position, bytes) {
          checkPosition(path, position, size);
          // A Blob takes its own copy, so the caller may reuse the buffer.
          const part = bytes instanceof Blob ? bytes : new Blob([bytes as Uint8Array<ArrayBuffer>]);
          parts.push(part);
          size += part.size;
        },
        async close() {
          const blob = new Blob(parts);
          files.set(path, blob);
          return { path, bytes: size, blob };
        },
        async abort() {
          parts.length = 0;
        },
      };
    },
    size: async (path) => files.get(path)?.size,
    finish: async (name) => ({ kind: 'files', name, files: [...files].map(([path, blob]) => ({ path, blob })) }),
    discard: async () => files.clear(),
  };
}

function checkPosition(path: string, position: number, size: number): void {
  if (position !== size) throw new RangeError(`${path}: write at ${position}, but ${size} bytes are written`);
}

async function exists(folder: FileSystemDirectoryHandle, path: string): Promise<boolean> {
  return (await fileSize(folder, path)) !== undefined;
}

async function fileSize(folder: FileSystemDirectoryHandle, path: string): Promise<number | undefined> {
  try {
    return (await (await folder.getFileHandle(path)).getFile()).size;
  } catch (error) {
    if (isNamed(error, 'NotFoundError')) return undefined;
    throw writeError(error, path);
  }
}

async function remove(folder: FileSystemDirectoryHandle, path: string): Promise<void> {
  await folder.removeEntry(path).catch((error: unknown) => {
    if (!isNamed(error, 'NotFoundError')) throw writeError(error, path);
  });
}

/** What the platform throws while writing, in words for people; anything unknown (and a cancel) passes through untouched. */
export function writeError(error: unknown, path: string): unknown {
  if (
    isNamed(error, 'QuotaExceededError') ||
    isNamed(error, 'NS_ERROR_FILE_NO_DEVICE_SPACE') ||
    isNamed(error, 'NS_ERROR_DOM_QUOTA_REACHED')
  ) {
    return new AppError(
      'disk-full',
      `There is no room left for ${path}.`,
      'Free some space or choose a folder on another disk, then start again.',
      { file: path },
    );
  }
  const refused = [
    'NotAllowedError',
    'SecurityError',
    'NoModificationAllowedError',
    'InvalidModificationError',
    'TypeMismatchError',
    'NotFoundError',
  ];
  if (refused.some((name) => isNamed(error, name))) {
    const reason = (error as Error).message;
    return new AppError(
      'folder-unwritable',
      `The browser cannot write ${path}: ${reason}`,
      'Allow writing when the browser asks, close other tabs that use the folder, or choose another folder.',
      {
        file: path,
        cause: reason,
      },
    );
  }
  return error;
}

function isNamed(error: unknown, name: string): boolean {
  return (error instanceof Error || error instanceof DOMException) && error.name === name;
}
