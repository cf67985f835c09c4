/**
 * A model of SmolLM2-135M's shape in the page, beside PyTorch and wllama on the same weights: seconds until it can answer, tokens per second,
 * and peak memory against its weights. Every case runs once per round in a browser of its own; greedy ids of all must be the same.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { openDevPage, startDevServer } from '../tools/drive/dev-page.mjs';
import { FIRST_CHARACTER } from './gguf.mjs';
import { watchMemory } from './memory.mjs';
import { makeOneModel, promptOf } from './one-model.mjs';
import { watchProcessor } from './processor.mjs';
import { cannotImport, limited, pythonProgram, script } from './programs.mjs';
import { reportSpeed } from './speed-report.mjs';

const SIZE = 'smollm2-135m';
/** Tokens of the prompt whose reading is timed, and of the one whose answer is: a long one's own time would drown the answer's. */
const PREFILL = 256;
const DECODE_PROMPT = 16;
/** New tokens by rows of the batch. */
const NEW_TOKENS = { 1: 64, 8: 32, 32: 16 };
/** A software adapter needs seconds for a step: there it is more of a check than a figure. */
const SHORT = { prefill: 16, newTokens: { 1: 2 } };
/** After this the page has loaded what it loads by itself, and its memory is that of an idle page. */
const SETTLE_MS = 1500;
const LIMIT_MS = 600_000;

/**
 * In the order in which a round runs them; a precision of the page is another row. `batches` are rows, one where nothing is said; `once`: in
 * the first round only.
 */
export const CASES = {
  'wasm-1': { title: 'RESTA Web, WASM, 1 thread', ...resta({ backend: 'wasm', threads: 1 }), batches: [1, 8, 32] },
  'wasm-2': { title: 'RESTA Web, WASM, 2 threads', ...resta({ backend: 'wasm', threads: 2 }), batches: [1, 8, 32] },
  'wllama-1': { title: 'wllama F32, 1 thread', ...wllama('f32', 1) },
  'wllama-2': { title: 'wllama F32, 2 threads', ...wllama('f32', 2) },
  'wasm-int8-1': {
    title: 'RESTA Web, WASM, int8, 1 thread',
    ...resta({ backend: 'wasm', threads: 1, precision: 'int8' }),
  },
  'wllama-q8-1': { title: 'wllama Q8_0, 1 thread', ...wllama('q8_0', 1) },
  'wllama-q8-2': { title: 'wllama Q8_0, 2 threads', ...wllama('q8_0', 2) },
  'pytorch-1': { title: 'PyTorch float32, 1 thread', ...pytorch(1) },
  'pytorch-2': { title: 'PyTorch float32, 2 threads', ...pytorch(2) },
  webgpu: { title: 'RESTA Web, WebGPU', ...resta({ backend: 'webgpu' }), ...SHORT, once: true },
};

function resta(options) {
  return { precision: options.precision ?? 'f32', run: inBrowser('resta', options, 'folder') };
}

function wllama(encoding, threads) {
  const options = { file: `${encoding}.gguf`, threads, firstCharacter: FIRST_CHARACTER };
  return { precision: encoding, run: inBrowser('wllama', options, 'ggufs') };
}

function pytorch(threads) {
  return {
    precision: 'f32',
    missing: ({ python }) => cannotImport(python, 'torch, transformers'),
    run: async ({ python, model }) => {
      const prompts = [PREFILL, DECODE_PROMPT].map((length) => String(promptOf(length, 0, model.vocabulary)));
      const args = [script('model_loop.py'), model.folder, String(threads), ...prompts, String(NEW_TOKENS[1])];
      const { said } = await pythonProgram(python, args, LIMIT_MS);
      return { ...said, decode: { 1: said.decode }, bytes: 4 * model.parameters };
    },
  };
}

/** Everything in a browser of its own, so that its idle page is really idle; the browser's start is not in its time. */
function inBrowser(engine, options, picked) {
  return async ({ server, model }, { prefill = PREFILL, newTokens = NEW_TOKENS, batches = [1] }) => {
    const dev = await openDevPage(server);
    const call = (name, ...args) =>
      limited(
        dev.page.evaluate(([name, args]) => window.benchSpeed[name](...args), [name, args]),
        LIMIT_MS,
      );
    const answer = (rows, length, count) =>
      call(
        'timed',
        Array.from({ length: rows }, (_, row) => promptOf(length, row, model.vocabulary)),
        count,
      );
    const decode = async (rows) => {
      const begun = watchProcessor(dev.profile);
      const first = await answer(rows, DECODE_PROMPT, 1);
      const before = begun()?.total;
      const all = await answer(rows, DECODE_PROMPT, newTokens[rows] + 1);
      const tokens = rows * newTokens[rows];
      // Both read the prompt: what the longer one took more is its tokens.
      const processor = before && begun().total - 2 * before;
      return {
        speed: tokens / (all.seconds - first.seconds),
        perCpu: processor && tokens / processor,
        ids: all.ids[0],
      };
    };
    try {
      await dev.load('/bench/speed-page.ts');
      await wait(SETTLE_MS);
      const memory = watchMemory(dev.profile);
      dev.pick(model[picked]);
      const loaded = await call('load', engine, options);
      // Nobody counts these: WebAssembly is compiled a second time, better, while it runs.
      await answer(1, DECODE_PROMPT, Math.min(8, newTokens[1]));
      await answer(1, prefill, 1);
      const read = await answer(1, prefill, 1);
      const alone = await decode(1);
      const { renderer, 'gpu-process': gpu } = memory.stop();
      const speeds = { 1: alone.speed };
      for (const rows of batches.filter((rows) => rows > 1)) speeds[rows] = (await decode(rows)).speed;
      return {
        ...loaded,
        ...{ prefill: prefill / read.seconds, decode: speeds, perCpu: alone.perCpu },
        // The first id depends on how long the prompt was, so a shorter one has none to compare.
        ids: prefill === PREFILL ? [...read.ids[0], ...alone.ids] : [undefined, ...alone.ids],
        ...{ idle: renderer?.idle.total, peak: renderer?.peak.total, gpu: gpu && gpu.peak.total - gpu.idle.total },
      };
    } finally {
      await dev.close();
    }
  };
}

/** Names of the cases that can run here; says what the others lack. */
function choose(names, job) {
  const unknown = names.find((name) => !(name in CASES));
  if (unknown) throw new Error(`There is no case "${unknown}": choose ${Object.keys(CASES).join(', ')}.`);
  return Object.keys(CASES).filter((name) => {
    const why = names.includes(name) ? CASES[name].missing?.(job) : 'not asked for';
    if (why && names.includes(name)) console.log(`Without ${CASES[name].title}: ${why}.`);
    return !why;
  });
}

/** What WebGPU runs on here; also lets the server compile every module once, which no case should pay for. */
async function lookAround(server) {
  const dev = await openDevPage(server);
  try {
    await dev.load('/bench/speed-page.ts');
    return await dev.page.evaluate(() => window.benchSpeed.adapter());
  } finally {
    await dev.close();
  }
}

export async function benchSpeed({ rounds = 3, cases = Object.keys(CASES), python = '/usr/bin/python3' } = {}) {
  const model = makeOneModel(SIZE);
  const server = await startDevServer();
  try {
    const adapter = await lookAround(server);
    const job = { server, model, python };
    const names = choose(cases, job).filter((name) => name !== 'webgpu' || adapter);
    const runs = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        if (CASES[name].once && round > 0) continue;
        const run = await CASES[name].run(job, CASES[name]);
        runs[name].push(run);
        const { load, prefill, decode } = run;
        const speeds = `load ${load.toFixed(1)} s, prefill ${prefill.toFixed(0)}, decode ${JSON.stringify(decode)}`;
        console.error(`round ${round + 1}, ${CASES[name].title}: ${speeds}`);
      }
    }
    reportSpeed(CASES, runs, model.parameters, adapter);
  } finally {
    await server.close();
  }
}
