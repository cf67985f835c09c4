/** The page's half of `npm run bench io`: hands jobs to workers (io.worker.ts) and puts files into the browser's own storage. */

import type { IoJob, IoResult, ReadWay, WriteWay } from './io.worker.ts';

const workers: Worker[] = [];

/** One job per worker, at the same time; seconds until the last has ended. */
async function run(jobs: IoJob[]): Promise<IoResult> {
  while (workers.length < jobs.length)
    workers.push(new Worker(new URL('./io.worker.ts', import.meta.url), { type: 'module' }));
  const begun = performance.now();
  const results = await Promise.all(jobs.map((job, i) => ask(workers[i]!, job)));
  const writing = results.map((result) => result.writing ?? 0);
  return { seconds: (performance.now() - begun) / 1000, writing: Math.max(...writing) };
}

function ask(worker: Worker, job: IoJob): Promise<IoResult> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<IoResult & { error?: string }>) =>
      data.error ? reject(new Error(data.error)) : resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(job);
  });
}

let folder: FileSystemDirectoryHandle;

/** Asks for the folder that holds the inputs and takes the outputs. */
async function open(): Promise<void> {
  folder = await window.showDirectoryPicker({ mode: 'readwrite' });
}

const storage = () => navigator.storage.getDirectory();

async function handles(names: string[], where: 'folder' | 'opfs'): Promise<FileSystemFileHandle[]> {
  const root = where === 'opfs' ? await storage() : folder;
  return Promise.all(names.map((name) => fileIn(root, name)));
}

/** A file by its path, "sft/model.safetensors". */
async function fileIn(root: FileSystemDirectoryHandle, path: string): Promise<FileSystemFileHandle> {
  const parts = path.split('/');
  const name = parts.pop()!;
  let at = root;
  for (const part of parts) at = await at.getDirectoryHandle(part);
  return at.getFileHandle(name);
}

/** Takes everything this benchmark wrote away again, outside of any timing. */
async function removeAll(): Promise<void> {
  for (const root of [folder, await storage()]) {
    const names: string[] = [];
    for await (const name of root.keys()) if (name.startsWith(WRITTEN) || name.startsWith(FLOOR)) names.push(name);
    for (const name of names) await root.removeEntry(name);
  }
}

const read = async (way: ReadWay, names: string[], chunk: number) =>
  run([{ kind: 'read', way, files: await handles(names, way === 'opfs' ? 'opfs' : 'folder'), chunk }]);

const [WRITTEN, FLOOR] = ['bench-write-', 'bench-floor-'];

const outputs = (count: number, lead: string) => Array.from({ length: count }, (_, i) => `${lead}${i}.safetensors`);

/** `count` new files, `bytes` in all, by so many threads; 'blob' takes them from the file `from` of the folder. */
async function write(way: WriteWay, count: number, bytes: number, chunk: number, threads = 1, from?: string) {
  const root = way === 'opfs' ? await storage() : folder;
  const names = outputs(count, WRITTEN);
  const each = count / threads;
  const source = from === undefined ? {} : { from: await fileIn(root, from) };
  const jobs = Array.from({ length: threads }, (_, i): IoJob => {
    const files = names.slice(i * each, (i + 1) * each);
    return { kind: 'write', way, ...source, folder: root, files, bytes: bytes / threads, chunk };
  });
  return run(jobs);
}

/** Files to be read from the browser's storage, each of so many bytes. */
async function store(names: string[], bytes: number): Promise<void> {
  const chunk = 4 << 20;
  await run([
    { kind: 'write', way: 'opfs', folder: await storage(), files: names, bytes: names.length * bytes, chunk },
  ]);
}

/** A file of the browser's storage to be saved as a download. The click is what a person would do. */
async function download(name: string): Promise<void> {
  const [handle] = await handles([name], 'opfs');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await handle!.getFile());
  link.download = name;
  link.click();
}

export interface FloorShape {
  /** Output files in all. */
  files: number;
  /** Workers, and files that each writes at the same time. */
  threads: number;
  lanes: number;
  chunk: number;
}

/** As `floor`, of models in folders of their own, which it asks for. */
async function floorOf(models: string[][], way: 'writable' | 'opfs', shape: FloorShape): Promise<IoResult> {
  const inputs: FileSystemFileHandle[][] = [];
  for (const names of models) {
    const root = await window.showDirectoryPicker();
    inputs.push(await Promise.all(names.map((name) => fileIn(root, name))));
  }
  return floor(inputs, way, shape);
}

/** The least a merge must do: all models read, as much as one of them written into new files of the folder or of the browser's storage. */
async function floor(inputs: FileSystemFileHandle[][], way: 'writable' | 'opfs', shape: FloorShape): Promise<IoResult> {
  const { files, threads, lanes, chunk } = shape;
  const root = way === 'opfs' ? await storage() : folder;
  const sizes = await Promise.all(inputs[0]!.map(async (handle) => (await handle.getFile()).size));
  const size = sizes.reduce((sum, one) => sum + one, 0);
  const each = Math.ceil(size / files / chunk) * chunk;
  const cut = outputs(files, FLOOR).map((name, i) => ({ name, start: i * each, end: Math.min(size, (i + 1) * each) }));
  const jobs = Array.from({ length: threads }, (_, thread): IoJob => {
    const mine = cut.filter(({ start }, i) => i % threads === thread && start < size);
    return { kind: 'floor', way, inputs, folder: root, outputs: mine, chunk, lanes };
  });
  return run(jobs);
}

Object.assign(window, { benchIo: { open, store, read, write, download, floorOf, remove: removeAll } });
