/**
 * How fast the merge arithmetic is, in GB/s read and written: the compiled kernels alone on a block in cache, on operands of 4 MiB in
 * WebAssembly's own memory, and whole calls from and to arrays far larger than the caches, each against a memory copy of as many bytes in the
 * same run; and the folding of a LoRA. `node bench/kernels.mjs [rounds]`.
 *
 * All by the time this process had on the processor, so that others on the machine blur the figures less.
 * `node bench/kernels.mjs exact` compares the roundings of all 2^32 float32 patterns with core/dtype.ts instead (some minutes).
 */

import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { createServer } from 'vite';
import { buildKernels } from '../tools/run/kernels.mjs';
import { exactRoundings } from './roundings.mjs';
import { interleave, printTable, spread } from './table.mjs';

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1 };
/** The upper byte of weights, without sign: of the first operand, and of those that differences are made of. */
const TOPS = {
  F64: [0x3f, 0x3e],
  F32: [0x3c, 0x39],
  F16: [0x24, 0x18],
  BF16: [0x3c, 0x39],
  F8_E4M3: [0x20, 0x08],
  F8_E5M2: [0x30, 0x20],
};
/** What the module computes in. */
const NATIVE = ['F32', 'F16', 'BF16'];
/** 8 Mi elements per operand: 64 MB and more in all, beyond any cache. */
const ELEMENTS = 8 * 2 ** 20;
/** What a merge reads of one input at a time. */
const CHUNK = 4 * 2 ** 20;
const STREAM = { seed: [7, 0], name: [1, 2] };
const OPS = {
  RESTA: { kind: 'add-scaled-difference', scale: 0.5 },
  RESTA_d: { kind: 'drop-and-add-scaled-difference', scale: 0.5, rate: 0.3, stream: STREAM },
  vector: { kind: 'add-scaled', scale: 0.5 },
  'RESTA_d vector': { kind: 'drop-and-add-scaled', scale: 0.5, rate: 0.3, stream: STREAM },
  difference: { kind: 'difference' },
  convert: { kind: 'convert' },
};

/**
 * @param {{rounds?: number}} options
 * @returns {Promise<{name: string, figures: number[]}[]>} GB/s of each round
 */
export async function benchKernels({ rounds = 9 } = {}) {
  const bytes = await readFile(await buildKernels());
  const [sources, close] = await projectSources();
  try {
    const results = {};
    for (const [title, cases] of [
      ['Kernels on one block in cache', () => blockCases(sources, bytes)],
      [`Kernels on operands of ${CHUNK / 2 ** 20} MiB in WebAssembly's memory`, () => chunkCases(sources, bytes)],
      [`Whole calls on ${ELEMENTS / 2 ** 20} Mi elements`, () => callCases(sources, bytes)],
    ]) {
      const figures = await interleave(await cases(), rounds);
      report(`${title}, GB/s read and written`, figures);
      Object.assign(results, figures);
    }
    const folds = await interleave(await foldCases(sources, bytes), rounds);
    const rows = Object.entries(folds).map(([name, values]) => [name, spread(values)]);
    printTable('Folding a LoRA into BF16, ns per multiply-add', ['what', 'median (min to max)'], rows);
    return Object.entries(results).map(([name, figures]) => ({ name, figures }));
  } finally {
    await close();
  }
}

/** The project's own TypeScript, through Vite's loader: Node alone cannot strip the types. */
async function projectSources() {
  const server = await createServer({
    configFile: false,
    appType: 'custom',
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, hmr: false, ws: false },
  });
  const modules = {};
  for (const name of ['wasm/loader', 'wasm/module', 'low-rank'])
    Object.assign(modules, await server.ssrLoadModule(`/src/kernels/${name}.ts`));
  Object.assign(modules, await server.ssrLoadModule('/src/core/dtype.ts'));
  return [modules, () => server.close()];
}

/** The formulas of the module, by name: `run(places, elements)` on operands that lie in its memory; bytes moved per element of one byte. */
function formulas(module, dtype) {
  const words = [0.5, 1.4, 2 ** 30, 2 ** 32, 7, 0, 1, 2];
  return {
    RESTA: [4, ([a, b, c, out], n) => module[`addDifference${dtype}`](out, a, b, c, n, 0.5)],
    RESTA_d: [4, ([a, b, c, out], n) => module[`dropDifference${dtype}`](out, a, b, c, n, ...words)],
    vector: [3, ([a, b, , out], n) => module[`add${dtype}`](out, a, b, n, 0.5)],
    'RESTA_d vector': [4, ([a, b, c, out], n) => module[`drop${dtype}`](out, a, b, c, n, ...words)],
    difference: [3, ([, b, c, out], n) => module[`subtract${dtype}`](out, b, c, n)],
  };
}

async function blockCases({ BLOCK, layOut }, bytes) {
  const { exports: module } = (await WebAssembly.instantiate(bytes)).instance;
  const slots = layOut(module);
  const memory = new Uint8Array(module.memory.buffer);
  const copied = BLOCK * 4;
  const cases = { copy: () => perSecond(() => memory.copyWithin(slots[3], slots[0], slots[0] + copied), 2 * copied) };
  for (const dtype of NATIVE) {
    for (const [name, [operands, run]] of Object.entries(formulas(module, dtype))) {
      cases[`${name} ${dtype}`] = () => {
        for (const [i, slot] of slots.slice(0, 3).entries()) memory.set(weights(dtype, BLOCK, i), slot);
        return perSecond(() => run(slots, BLOCK), BLOCK * BYTES[dtype] * operands);
      };
    }
  }
  return cases;
}

/** What calls would cost that found their operands where the module can reach them: block after block, nothing copied. */
async function chunkCases({ BLOCK }, bytes) {
  const { exports: module } = (await WebAssembly.instantiate(bytes)).instance;
  module.memory.grow((4 * CHUNK) / 65536 + 1);
  const memory = new Uint8Array(module.memory.buffer);
  const base = Math.ceil(module.heapBase() / 64) * 64;
  const places = [0, 1, 2, 3].map((i) => base + i * CHUNK);
  const half = 2 * CHUNK;
  const cases = { copy: () => perSecond(() => memory.copyWithin(base + half, base, base + half), 2 * half, 4) };
  for (const dtype of NATIVE) {
    const size = BYTES[dtype];
    for (const [name, [operands, run]] of Object.entries(formulas(module, dtype))) {
      const all = () => {
        for (let at = 0; at < CHUNK; at += BLOCK * size)
          run(
            places.map((place) => place + at),
            BLOCK,
          );
      };
      cases[`${name} ${dtype}`] = () => {
        for (const [i, place] of places.slice(0, 3).entries()) memory.set(weights(dtype, CHUNK / size, i), place);
        return perSecond(all, CHUNK * operands, 4);
      };
    }
  }
  return cases;
}

async function callCases({ loadWasmKernels }, bytes) {
  const kernels = await loadWasmKernels(bytes);
  const operand = (dtype, seed) => ({ dtype, bytes: weights(dtype, ELEMENTS, seed) });
  const [from, to] = [operand('F32', 1).bytes, operand('F32', 2).bytes];
  const cases = { copy: () => perSecond(() => to.set(from), from.length * 2, 1) };
  const ready = Object.fromEntries(
    Object.keys(BYTES).map((dtype) => [dtype, [0, 1, 2, 3].map((i) => operand(dtype, i))]),
  );
  const add = (op, inputs, out) => {
    const operands = inputs.map((dtype, i) => ready[dtype][i]);
    const result = ready[out][3];
    const moved = [...operands, result].reduce((sum, { bytes: { length } }) => sum + length, 0);
    const types = inputs.every((dtype) => dtype === out) ? out : `${inputs.join(' ')} to ${out}`;
    cases[`${op} ${types}`] = () => perSecond(() => kernels.apply(OPS[op], operands, result, 5), moved, 1);
  };
  for (const dtype of Object.keys(BYTES)) for (const op of ['RESTA', 'RESTA_d']) add(op, [dtype, dtype, dtype], dtype);
  add('RESTA', ['BF16', 'F32', 'BF16'], 'BF16');
  add('RESTA', ['F16', 'BF16', 'BF16'], 'F16');
  add('RESTA', ['F64', 'F64', 'F64'], 'BF16');
  add('difference', ['BF16', 'BF16'], 'F32');
  add('vector', ['BF16', 'F32'], 'BF16');
  add('RESTA_d vector', ['BF16', 'BF16', 'F32'], 'BF16');
  for (const dtype of Object.keys(BYTES)) if (dtype !== 'BF16') add('convert', [dtype], 'BF16');
  add('convert', ['F32'], 'F16');
  add('convert', ['BF16'], 'F32');
  return cases;
}

/** 1024 x 4096 of a weight that is stored as [outputs, inputs], with matrices of several ranks; in plain loops beside it. */
async function foldCases({ loadWasmKernels, foldLowRank, arrangeMatrices }, bytes) {
  const kernels = await loadWasmKernels(bytes);
  const [rows, columns] = [1024, 4096];
  const base = { dtype: 'BF16', bytes: weights('BF16', rows * columns, 1) };
  const floats = (count, seed) => new Float32Array(weights('F32', count, seed).buffer);
  const cases = {};
  const add = (name, rank, fold, lines) => {
    const shape = { rank, rows, columns, scale: 2, transposed: false };
    const matrices = arrangeMatrices(floats(rank * columns, 2), floats(rows * rank, 3), shape);
    const part = { ...base, bytes: base.bytes.subarray(0, lines * columns * 2) };
    cases[name] = async () => 1 / (await perSecond(() => fold(part, matrices, 0), lines * columns * rank, 1));
  };
  for (const rank of [8, 16, 64, 256]) add(`rank ${rank}`, rank, kernels.foldLowRank, rows);
  add('rank 16 in plain loops', 16, foldLowRank, 32);
  return cases;
}

/**
 * Finite bytes of about the size of weights: a fixed exponent, random fractions and signs. The operands after the first are smaller, as
 * differences are: else now and then a sum would be an operand's negative, which costs a second look (arithmetic.ts).
 */
function weights(dtype, elements, place) {
  const size = BYTES[dtype];
  const bytes = new Uint8Array(elements * size);
  const [first, others] = TOPS[dtype];
  const top = place === 0 ? first : others;
  let state = 12345 + place;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const random = state >>> 24;
    bytes[i] = i % size < size - 1 ? random : (random & 0x80) | top | (size === 1 ? random & 7 : 0);
  }
  return bytes;
}

/** GB per second of processor time of `run`, which moves so many bytes, over a tenth of a second or at least `least` runs. */
async function perSecond(run, bytes, least = 100) {
  await run();
  const started = process.cpuUsage();
  let runs = 0;
  let spent = 0;
  do {
    for (let i = 0; i < least; i++) {
      const pending = run();
      if (pending instanceof Promise) await pending; // awaiting what is done already would be measured too
    }
    runs += least;
    const { user, system } = process.cpuUsage(started);
    spent = user + system;
  } while (spent < 1e5);
  return (bytes * runs) / spent / 1e3;
}

function report(title, figures) {
  const rows = Object.entries(figures).map(([name, values]) => {
    const ratios = values.map((value, round) => value / figures.copy[round]);
    return [name, spread(values), spread(ratios)];
  });
  printTable(title, ['what', 'GB/s, median (min to max)', 'of a copy'], rows);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv[2] === 'exact') {
    const [sources, close] = await projectSources();
    await exactRoundings(sources, await readFile(await buildKernels())).finally(close);
  } else await benchKernels({ rounds: Number(process.argv[2] ?? 9) });
}
