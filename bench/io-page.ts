/** The page's half of `npm run bench io`: hands jobs to workers (io.worker.ts) and puts files into the browser's own storage. */

import type { IoJob, IoResult } from './io.worker.ts';

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

/** Takes the outputs away again, outside of any timing. */
async function remove(names: string[], where: 'folder' | 'opfs'): Promise<void> {
  const root = where === 'opfs' ? await storage() : folder;
  for (const name of names) await root.removeEntry(name).catch(() => {});
}

const read = async (way: 'slices' | 'stream' | 'byob' | 'opfs', names: string[], chunk: number) =>
  run([{ kind: 'read', way, files: await handles(names, way === 'opfs' ? 'opfs' : 'folder'), chunk }]);

const [WRITTEN, FLOOR] = ['bench-write-', 'bench-floor-'];

const outputs = (count: number, lead: string) => Array.from({ length: count }, (_, i) => `${lead}${i}.safetensors`);

async function write(way: 'writable' | 'opfs', count: number, bytes: number, chunk: number, threads = 1) {
  const root = way === 'opfs' ? await storage() : folder;
  const names = outputs(count, WRITTEN);
  const each = count / threads;
  const jobs = Array.from({ length: threads }, (_, i): IoJob => {
    const files = names.slice(i * each, (i + 1) * each);
    return { kind: 'write', way, folder: root, files, bytes: bytes / threads, chunk };
  });
  return run(jobs);
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

Object.assign(window, { benchIo: { open, read, write, floorOf, remove } });
