/** The page's half of the model benchmark; runs in the browser, on the worker that the page itself uses. */

import type { FolderDescription } from '../src/files/folder.ts';
import type { LoadOptions } from '../src/model/generation.ts';
import { type ModelHost, openModelHost } from '../workers/client.ts';

interface Manifest {
  models: { name: string; folder: string; files: { name: string }[] }[];
  prompts: { file: string }[];
  maxNewTokens: number;
}

const never = new AbortController().signal;
/** Workers by what they were asked for: threads are fixed at a worker's first load. */
const hosts = new Map<string, { host: ModelHost; id: number }>();
let folder: FolderDescription;
let prompts: string[];
let maxNewTokens: number;

async function open(): Promise<number> {
  const manifest = (await (await fetch('/demo/manifest.json')).json()) as Manifest;
  const sft = manifest.models.find((model) => model.name === 'sft')!;
  const files = sft.files.map(async ({ name }) => ({
    path: name,
    blob: await (await fetch(`/demo/${sft.folder}/${name}`)).blob(),
  }));
  folder = { kind: 'files', name: 'sft', files: await Promise.all(files) };
  const sets = await Promise.all(manifest.prompts.map(async ({ file }) => (await fetch(`/demo/${file}`)).text()));
  const lines = sets.flatMap((text) => text.split('\n')).filter((line) => line !== '');
  prompts = lines.map((line) => (JSON.parse(line) as { prompt: string }).prompt);
  maxNewTokens = manifest.maxNewTokens;
  return prompts.length;
}

/** Milliseconds to a model that is ready: in a new worker, and then once more in the same one. */
async function load(options: LoadOptions): Promise<{ first: number; again: number }> {
  const host = openModelHost();
  const time = async (): Promise<number> => {
    const begun = performance.now();
    const { id } = await host.load(folder, options, () => {});
    const milliseconds = performance.now() - begun;
    await host.release(id);
    return milliseconds;
  };
  const result = { first: await time(), again: await time() };
  host.terminate();
  return result;
}

/** Tokens per second over `count` prompts taken evenly from the held-out ones. */
async function speed(options: LoadOptions, batchSize: number, count: number): Promise<number> {
  const key = JSON.stringify(options);
  let model = hosts.get(key);
  if (model === undefined) {
    const host = openModelHost();
    model = { host, id: (await host.load(folder, options, () => {})).id };
    hosts.set(key, model);
  }
  const taken = Array.from({ length: count }, (_, i) => prompts[Math.floor((i * prompts.length) / count)]!);
  const { tokensPerSecond } = await model.host.generate(model.id, taken, { maxNewTokens, batchSize }, () => {}, never);
  return tokensPerSecond;
}

Object.assign(window, { benchModel: { open, load, speed } });
