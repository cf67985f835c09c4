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
type Answer = (prompts: number[][], newTokens: number) => Promise<number[][]>;

interface Opened {
  answer: Answer;
  /** Of its weights as they are run. */
  bytes: number;
}

interface WllamaOptions {
  file: string;
  threads: number;
  /** Token 0 of the file, whose tokens are single characters (gguf.mjs). */
  firstCharacter: number;
}

const never = new AbortController().signal;
let opened: Opened;

async function openResta(folder: FileSystemDirectoryHandle, options: LoadOptions): Promise<Opened> {
  const host = openModelHost();
  const { id, backend, bytes } = await host.load(
    { kind: 'handle', name: folder.name, handle: folder },
    options,
    () => {},
  );
  if (backend !== options.backend) throw new Error(`Asked for ${options.backend}, and ${backend} ran.`);
  const answer: Answer = async (prompts, maxNewTokens) => {
    const { answers } = await host.generateIds(id, prompts, { maxNewTokens, batchSize: prompts.length }, never);
    return answers.map(({ tokens }) => tokens);
  };
  return { answer, bytes };
}

/**
 * wllama as it is by default, but for what would round more than float32 does: the cache, and flash attention, with which one id of 66 was
 * another than float64 gives. Nothing is kept of an earlier prompt. One prompt at a time.
 */
async function openWllama(folder: FileSystemDirectoryHandle, options: WllamaOptions): Promise<Opened> {
  const { file, threads, firstCharacter } = options;
  const wllama = new Wllama({ default: wllamaBinary }, { suppressNativeLog: true });
  const weights = await (await folder.getFileHandle(file)).getFile();
  await wllama.loadModel([weights], {
    ...{ n_ctx: 512, n_parallel: 1, n_threads: threads, n_gpu_layers: 0 },
    ...{ cache_type_k: 'f32', cache_type_v: 'f32', flash_attn: false },
  });
  const answer: Answer = async ([ids], newTokens) => {
    const prompt = ids!.map((id) => String.fromCodePoint(firstCharacter + id)).join('');
    const greedy = { temperature: 0, top_k: 1, max_tokens: newTokens, cache_prompt: false };
    const { choices } = await wllama.createCompletion({ prompt, ...greedy });
    return choices.map(({ text }) => Array.from(text, (character) => character.codePointAt(0)! - firstCharacter));
  };
  return { answer, bytes: weights.size };
}

const OPENERS = { resta: openResta, wllama: openWllama };

/** Seconds until the model of the folder that is picked next can answer, and what its weights take. */
async function load(
  engine: keyof typeof OPENERS,
  options: LoadOptions & WllamaOptions,
): Promise<{ load: number; bytes: number }> {
  const folder = await window.showDirectoryPicker();
  const begun = performance.now();
  opened = await OPENERS[engine](folder, options);
  return { load: (performance.now() - begun) / 1000, bytes: opened.bytes };
}

async function timed(prompts: number[][], newTokens: number): Promise<{ seconds: number; ids: number[][] }> {
  const begun = performance.now();
  const ids = await opened.answer(prompts, newTokens);
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
