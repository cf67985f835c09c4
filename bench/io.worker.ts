/**
 * Reading and writing with the browser's bare interfaces: no code of the project, so that what the project reaches can be held against what
 * this browser can. One job at a time; every job says how many seconds which part took.
 */

export type WriteWay = 'writable' | 'opfs' | 'blob' | 'moved';
export type ReadWay = 'slices' | 'stream' | 'byob' | 'opfs';

export type IoJob =
  /** Every file from its beginning to its end, all files at once. */
  | { kind: 'read'; way: ReadWay; files: FileSystemFileHandle[]; chunk: number }
  /** `bytes` in all, spread evenly over `files` new files of `folder`, which are written at the same time. */
  | {
      kind: 'write';
      /** 'blob' hands the browser a part of the file `from` instead of bytes; 'moved' writes under another name and renames the closed file. */
      way: WriteWay;
      from?: FileSystemFileHandle;
      folder: FileSystemDirectoryHandle;
      files: string[];
      /** Of all files together. */
      bytes: number;
      chunk: number;
    }
  /**
   * The least a merge must do: reads the same part of all `inputs` and writes as much, in `outputs`, of which `lanes` are written at the same
   * time; one that is closing keeps no lane.
   */
  | {
      kind: 'floor';
      way: 'writable' | 'opfs';
      /** The files of each model, taken as one behind the other. */
      inputs: FileSystemFileHandle[][];
      folder: FileSystemDirectoryHandle;
      /** New files, and the bytes [start, end) of the models that go into each. */
      outputs: { name: string; start: number; end: number }[];
      chunk: number;
      lanes: number;
    };

export interface IoResult {
  seconds: number;
  /** Of it until the last byte was handed over, where closing is a step of its own. */
  writing?: number;
}

/** Chromium loses a pending BYOB read of a file when nothing but that read refers to the stream. */
const held = new Set<unknown>();

async function* pieces(file: File, way: ReadWay, chunk: number, from = 0, to = file.size): AsyncGenerator<Uint8Array> {
  if (way === 'slices') {
    for (let at = from; at < to; at += chunk)
      yield new Uint8Array(await file.slice(at, Math.min(to, at + chunk)).arrayBuffer());
    return;
  }
  const stream = file.slice(from, to).stream();
  if (way === 'stream') {
    for await (const piece of stream) yield piece;
    return;
  }
  const reader = stream.getReader({ mode: 'byob' });
  held.add(reader).add(stream);
  let buffer = new ArrayBuffer(chunk);
  for (let at = from; at < to; ) {
    const length = Math.min(chunk, to - at);
    const { value } = await reader.read(new Uint8Array(buffer, 0, length), { min: length });
    if (!value) break;
    yield value;
    at += value.byteLength;
    buffer = value.buffer as ArrayBuffer;
  }
  held.delete(reader);
  held.delete(stream);
}

async function read({ way, files, chunk }: Extract<IoJob, { kind: 'read' }>): Promise<void> {
  if (way !== 'opfs') {
    await Promise.all(
      files.map(async (handle) => {
        let sum = 0;
        for await (const piece of pieces(await handle.getFile(), way, chunk)) sum += piece.byteLength;
        if (sum !== (await handle.getFile()).size) throw new Error(`${sum} bytes read of ${handle.name}`);
      }),
    );
    return;
  }
  // Into the memory of WebAssembly: the one way that needs no copy.
  const memory = new WebAssembly.Memory({ initial: Math.ceil(chunk / 65536) });
  const into = new Uint8Array(memory.buffer, 0, chunk);
  for (const handle of files) {
    const access = await handle.createSyncAccessHandle();
    const size = access.getSize();
    for (let at = 0; at < size; at += chunk) access.read(into, { at });
    access.close();
  }
}

interface Target {
  write(bytes: Uint8Array<ArrayBuffer> | Blob): Promise<void>;
  close(): Promise<void>;
}

async function create(folder: FileSystemDirectoryHandle, name: string, way: WriteWay): Promise<Target> {
  const handle = await folder.getFileHandle(way === 'moved' ? `${name}.part` : name, { create: true });
  if (way === 'opfs') return stored(await handle.createSyncAccessHandle());
  const writable = await handle.createWritable();
  held.add(writable);
  return {
    write: (bytes) => writable.write(bytes),
    async close() {
      await writable.close();
      held.delete(writable);
      if (way === 'moved') await (handle as unknown as { move(name: string): Promise<void> }).move(name);
    },
  };
}

function stored(access: FileSystemSyncAccessHandle): Target {
  let at = 0;
  return {
    async write(bytes) {
      at += access.write(bytes as Uint8Array<ArrayBuffer>, { at });
    },
    async close() {
      access.flush();
      access.close();
    },
  };
}

async function write(job: Extract<IoJob, { kind: 'write' }>): Promise<number> {
  const { way, folder, files, bytes, chunk } = job;
  const begun = performance.now();
  const part = new Uint8Array(chunk);
  for (let i = 0; i < chunk; i += 4096) part[i] = i >> 12;
  const source = await job.from?.getFile();
  const each = Math.floor(bytes / files.length / chunk) * chunk;
  const targets = await Promise.all(files.map((name) => create(folder, name, way)));
  await Promise.all(
    targets.map(async (target) => {
      for (let at = 0; at < each; at += chunk) await target.write(source ? source.slice(at, at + chunk) : part);
    }),
  );
  const writing = (performance.now() - begun) / 1000;
  await Promise.all(targets.map((target) => target.close()));
  return writing;
}

async function floor(job: Extract<IoJob, { kind: 'floor' }>): Promise<number> {
  const begun = performance.now();
  const models = await Promise.all(job.inputs.map((handles) => Promise.all(handles.map((handle) => handle.getFile()))));
  const waiting = [...job.outputs];
  const closing: Promise<void>[] = [];
  const lane = async () => {
    for (let output = waiting.shift(); output; output = waiting.shift()) {
      const target = await create(job.folder, output.name, job.way);
      await writeOne(models, output, target, job.chunk);
      closing.push(target.close());
    }
  };
  await Promise.all(Array.from({ length: job.lanes }, lane));
  const writing = (performance.now() - begun) / 1000;
  await Promise.all(closing);
  return writing;
}

/** One output: what is read next is on its way while the last piece is written. */
async function writeOne(
  models: File[][],
  { start, end }: { start: number; end: number },
  target: Target,
  chunk: number,
): Promise<void> {
  const streams = models.map((files) => across(files, chunk, start, end));
  let writing: Promise<void> = Promise.resolve();
  // Two buffers of its own: what was read may be overwritten as soon as the next read is asked for.
  const buffers = [new Uint8Array(chunk), new Uint8Array(chunk)];
  for (let piece = 0, at = start; at < end; piece++) {
    const [first] = await Promise.all(streams.map(async (stream) => (await stream.next()).value));
    if (!first) break; // models are of the same length but for their headers
    const out = buffers[piece % 2]!.subarray(0, first.byteLength);
    out.set(first);
    at += out.byteLength;
    await writing;
    writing = target.write(out);
  }
  await writing;
  await Promise.all(streams.map((stream) => stream.return(undefined)));
}

/** Bytes [start, end) of files that lie one behind the other. */
async function* across(files: File[], chunk: number, start: number, end: number): AsyncGenerator<Uint8Array> {
  let before = 0;
  for (const file of files) {
    const [from, to] = [Math.max(0, start - before), Math.min(file.size, end - before)];
    if (from < to) yield* pieces(file, 'byob', chunk, from, to);
    before += file.size;
  }
}

self.onmessage = async ({ data: job }: MessageEvent<IoJob>) => {
  try {
    const begun = performance.now();
    const writing = job.kind === 'read' ? await read(job) : job.kind === 'write' ? await write(job) : await floor(job);
    const seconds = (performance.now() - begun) / 1000;
    postMessage({ seconds, ...(writing === undefined ? {} : { writing }) } satisfies IoResult);
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
