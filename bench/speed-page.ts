/**
 * The page's half of the speed benchmark: one model in one page, answered by this project's own worker or by wllama (llama.cpp compiled to
 * WebAssembly). Both are asked in the same words and timed by the same clock; the weights are files of a picked folder.
 */

import { Wllama } from '@wllama/wllama';
import wllamaBinary from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import { isSoftware, nameOf, requestAdapter } from '../src/kernels/webgpu/device.ts';
import type { LoadOptions } from '../src/model/generation.ts';
import { openModelHost } from '../workers/client.ts';

/** New ids, row by row; greedy, all rows in one batch. */
type Answer = (prompts: string[], newTokens: number) => Promise<number[][]>;

interface WllamaOptions {
  file: string;
  threads: number;
}

const never = new AbortController().signal;
let answer: Answer;

async function openResta(folder: FileSystemDirectoryHandle, options: LoadOptions): Promise<Answer> {
  const host = openModelHost();
  const { id, backend } = await host.load({ kind: 'handle', name: folder.name, handle: folder }, options, () => {});
  if (backend !== options.backend) throw new Error(`Asked for ${options.backend}, and ${backend} ran.`);
  return async (prompts, maxNewTokens) => {
    const options = { maxNewTokens, batchSize: prompts.length };
    const { answers } = await host.generate(id, prompts, options, () => {}, never);
    return answers.map(({ tokens }) => tokens);
  };
}

/** As wllama's own defaults have it, but for the cache: float32, as ours is, and nothing kept of an earlier prompt. One prompt at a time. */
async function openWllama(folder: FileSystemDirectoryHandle, { file, threads }: WllamaOptions): Promise<Answer> {
  const wllama = new Wllama({ default: wllamaBinary }, { suppressNativeLog: true });
  const weights = await (await folder.getFileHandle(file)).getFile();
  await wllama.loadModel([weights], {
    ...{ n_ctx: 512, n_parallel: 1, n_threads: threads, n_gpu_layers: 0 },
    ...{ cache_type_k: 'f32', cache_type_v: 'f32' },
  });
  return async ([prompt], newTokens) => {
    const options = { temperature: 0, top_k: 1, max_tokens: newTokens, cache_prompt: false };
    const { choices } = await wllama.createCompletion({ prompt: prompt!, ...options });
    return choices.map(({ text }) => idsOf(text));
  };
}

/** Tokens are single characters or their ids in brackets (one-model.mjs). */
function idsOf(text: string): number[] {
  return Array.from(text.matchAll(/<(\d+)>|[^<]/g), ([token, id]) => Number(id ?? token.charCodeAt(0) - 0x4e00));
}

const OPENERS = { resta: openResta, wllama: openWllama };

/** Seconds until the model of the folder that is picked next can answer. */
async function load(engine: keyof typeof OPENERS, options: LoadOptions & WllamaOptions): Promise<number> {
  const folder = await window.showDirectoryPicker();
  const begun = performance.now();
  answer = await OPENERS[engine](folder, options);
  return (performance.now() - begun) / 1000;
}

async function timed(prompts: string[], newTokens: number): Promise<{ seconds: number; ids: number[][] }> {
  const begun = performance.now();
  const ids = await answer(prompts, newTokens);
  const seconds = (performance.now() - begun) / 1000;
  const short = ids.find((row) => row.length !== newTokens);
  if (short) throw new Error(`An answer ended after ${short.length} of ${newTokens} tokens.`);
  return { seconds, ids };
}

/** What WebGPU runs on; undefined where there is none. */
async function adapter(): Promise<string | undefined> {
  const found = await requestAdapter();
  return found && `${nameOf(found)}${isSoftware(found) ? ' (computed on the processor)' : ''}`;
}

Object.assign(window, { benchSpeed: { load, timed, adapter } });
