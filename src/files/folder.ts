/**
 * A folder of files, however the person gave it: a picked or dropped directory handle, a list of picked files, or files made in memory.
 * `FolderDescription` is what crosses threads (all of it can be structured-cloned); `openFolder` turns it into a `Folder`.
 */

import { AppError } from '../core/errors.ts';
import { openedFile } from './handle.ts';
import { type ByteSource, blobSource, readError } from './source.ts';

export type FolderDescription =
  | { kind: 'handle'; name: string; handle: FileSystemDirectoryHandle }
  /** Picked or dropped files, and everything in memory: Blobs cost nothing to post. `path` has no leading slash. */
  | { kind: 'files'; name: string; files: { path: string; blob: Blob }[] };

export interface FileStat {
  size: number;
  /** Milliseconds since 1970; missing for bytes made in memory. */
  modified?: number;
}

export interface FolderEntry extends FileStat {
  path: string;
}

export interface Folder {
  readonly name: string;
  readonly description: FolderDescription;
  /** The files of the folder itself (not of its subfolders), sorted by path; browser swap files (*.crswap) are left out. */
  list(): Promise<FolderEntry[]>;
  /** Rejects with AppError 'file-missing'. */
  open(path: string): Promise<ByteSource>;
  /** Rejects with AppError 'file-missing'. */
  stat(path: string): Promise<FileStat>;
}

/**
 * Opens nothing yet; files are looked up when asked for. Each file is fixed at its first look, so a file that is
 * changed behind our back is noticed ('file-changed') instead of being read half old, half new.
 */
export function openFolder(description: FolderDescription): Folder {
  const files = description.kind === 'handle' ? handleFiles(description.handle) : listedFiles(description.files);
  const opened = new Map<string, Promise<Blob>>();
  const blobOf = (path: string): Promise<Blob> => {
    const known = opened.get(path);
    if (known) return known;
    const found = files.find(path);
    opened.set(path, found);
    found.catch(() => opened.delete(path)); // a file that was missing may be there at the next try
    return found;
  };
  return {
    name: description.name,
    description,
    async list() {
      const paths = (await files.paths()).filter((path) => !path.endsWith('.crswap')).sort();
      return Promise.all(paths.map(async (path) => ({ path, ...statOf(await blobOf(path)) })));
    },
    open: async (path) => blobSource(await blobOf(path), path),
    stat: async (path) => statOf(await blobOf(path)),
  };
}

function statOf(blob: Blob): FileStat {
  return blob instanceof File ? { size: blob.size, modified: blob.lastModified } : { size: blob.size };
}

interface Files {
  paths(): Promise<string[]>;
  find(path: string): Promise<Blob>;
}

function listedFiles(files: readonly { path: string; blob: Blob }[]): Files {
  const blobs = new Map(files.map(({ path, blob }) => [path, blob]));
  return {
    paths: async () => [...blobs.keys()].filter((path) => !path.includes('/')),
    async find(path) {
      const blob = blobs.get(path);
      if (!blob) throw missing(path);
      return blob;
    },
  };
}

function handleFiles(handle: FileSystemDirectoryHandle): Files {
  return {
    async paths() {
      const paths: string[] = [];
      try {
        for await (const entry of handle.values()) if (entry.kind === 'file') paths.push(entry.name);
      } catch (error) {
        throw readError(error, handle.name);
      }
      return paths;
    },
    async find(path) {
      // Only names of this very folder: getFileHandle refuses separators and dots by itself, this keeps the message ours.
      if (path.includes('/') || path.includes('\\')) throw missing(path);
      try {
        return await openedFile(handle, path);
      } catch (error) {
        if (isNamed(error, 'NotFoundError') || isNamed(error, 'TypeMismatchError') || isNamed(error, 'TypeError'))
          throw missing(path);
        throw readError(error, path);
      }
    },
  };
}

function isNamed(error: unknown, name: string): boolean {
  return (error instanceof Error || error instanceof DOMException) && error.name === name;
}

function missing(path: string): AppError {
  return new AppError(
    'file-missing',
    `There is no ${path} in this folder.`,
    'Check that the right folder was opened and the download is complete.',
    {
      file: path,
    },
  );
}
