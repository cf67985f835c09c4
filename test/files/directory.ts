/** A directory handle in memory with the behaviour writer.ts relies on; the real ones are tested in test/e2e. Files appear whole at close. */

export interface TestDirectory {
  handle: FileSystemDirectoryHandle;
  /** Every file by path, subfolders included ("out/model.safetensors"). */
  files(): Map<string, Uint8Array>;
  folders(): string[];
  /** Makes one operation fail from now on, with a DOMException of this name. */
  fail(
    operation: 'write' | 'close' | 'createWritable' | 'getDirectoryHandle',
    name: string,
    when?: (path: string) => boolean,
  ): void;
  /** Nothing fails any more. */
  heal(): void;
  /** Calls of write, in order. */
  writes: { path: string; position: number; bytes: number }[];
}

type Entry = { kind: 'file'; bytes: Uint8Array; locked: boolean } | { kind: 'directory' };

export function testDirectory(initial: Record<string, Uint8Array | string> = {}): TestDirectory {
  const entries = new Map<string, Entry>();
  const failures: { operation: string; name: string; when: (path: string) => boolean }[] = [];
  const writes: TestDirectory['writes'] = [];
  for (const [path, content] of Object.entries(initial)) {
    const parts = path.split('/');
    for (let i = 1; i < parts.length; i++) entries.set(parts.slice(0, i).join('/'), { kind: 'directory' });
    entries.set(path, {
      kind: 'file',
      bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content,
      locked: false,
    });
  }
  const check = (operation: string, path: string) => {
    const failure = failures.find((candidate) => candidate.operation === operation && candidate.when(path));
    if (failure) throw new DOMException(`${operation} of ${path} fails`, failure.name);
  };
  const notFound = (path: string) => new DOMException(`no ${path}`, 'NotFoundError');

  function fileHandle(path: string): FileSystemFileHandle {
    const entry = () => {
      const found = entries.get(path);
      if (found?.kind !== 'file') throw notFound(path);
      return found;
    };
    return {
      kind: 'file',
      name: path.split('/').at(-1)!,
      getFile: async () => new Blob([entry().bytes as Uint8Array<ArrayBuffer>]),
      async createWritable() {
        check('createWritable', path);
        const file = entry();
        if (file.locked) throw new DOMException('another writer has it', 'NoModificationAllowedError');
        file.locked = true;
        let content = new Uint8Array(0);
        return {
          async write({ position, data }: { position: number; data: Blob | Uint8Array }) {
            const bytes = data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : data.slice();
            await new Promise((resolve) => setTimeout(resolve, 0)); // real writes take turns with everything else
            check('write', path);
            writes.push({ path, position, bytes: bytes.length });
            const grown = new Uint8Array(Math.max(content.length, position + bytes.length));
            grown.set(content);
            grown.set(bytes, position);
            content = grown;
          },
          async close() {
            check('close', path);
            file.bytes = content;
            file.locked = false;
          },
          async abort() {
            file.locked = false;
          },
        } as unknown as FileSystemWritableFileStream;
      },
    } as unknown as FileSystemFileHandle;
  }

  function directoryHandle(prefix: string): FileSystemDirectoryHandle {
    const children = () =>
      [...entries].filter(
        ([path]) => path.startsWith(prefix) && path !== prefix && !path.slice(prefix.length).includes('/'),
      );
    const handle = {
      kind: 'directory',
      name: prefix.split('/').at(-2) ?? 'parent',
      async getFileHandle(name: string, options?: { create?: boolean }) {
        const path = prefix + name;
        if (!entries.has(path)) {
          if (!options?.create) throw notFound(path);
          entries.set(path, { kind: 'file', bytes: new Uint8Array(0), locked: false });
        }
        return fileHandle(path);
      },
      async getDirectoryHandle(name: string, options?: { create?: boolean }) {
        const path = prefix + name;
        check('getDirectoryHandle', path);
        if (!entries.has(path)) {
          if (!options?.create) throw notFound(path);
          entries.set(path, { kind: 'directory' });
        }
        return directoryHandle(`${path}/`);
      },
      async removeEntry(name: string) {
        const path = prefix + name;
        if (!entries.has(path)) throw notFound(path);
        if ([...entries.keys()].some((other) => other.startsWith(`${path}/`)))
          throw new DOMException('not empty', 'InvalidModificationError');
        entries.delete(path);
      },
      async *keys() {
        for (const [path] of children()) yield path.slice(prefix.length);
      },
      async *values() {
        for (const [path, { kind }] of children()) yield { kind, name: path.slice(prefix.length) };
      },
      isSameEntry: async (other: unknown) => other === handle,
    };
    return handle as unknown as FileSystemDirectoryHandle;
  }

  return {
    handle: directoryHandle(''),
    writes,
    files: () =>
      new Map([...entries].flatMap(([path, entry]) => (entry.kind === 'file' ? [[path, entry.bytes] as const] : []))),
    folders: () => [...entries].flatMap(([path, entry]) => (entry.kind === 'directory' ? [path] : [])),
    fail: (operation, name, when = () => true) => failures.push({ operation, name, when }),
    heal: () => void failures.splice(0),
  };
}
