/**
 * How fast the merge arithmetic is, in GB/s read and written: the compiled kernels alone on a block in cache, and whole calls
 * from and to arrays far larger than the caches, each against a plain copy in the same run. `node bench/kernels.mjs [rounds]`.
 */

import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { createServer } from 'vite';
import { buildKernels } from '../tools/run/kernels.mjs';
import { interleave, printTable, spread } from './table.mjs';

const DTYPES = { F32: 4, F16: 2, BF16: 2 };
/** 8 Mi elements per operand: 64 MB and more in all, beyond any cache. */
const ELEMENTS = 8 * 2 ** 20;
const STREAM = { seed: [7, 0], name: [1, 2] };
const OPS = {
  RESTA: { kind: 'add-scaled-difference', scale: 0.5 },
  RESTA_d: { kind: 'drop-and-add-scaled-difference', scale: 0.5, rate: 0.3, stream: STREAM },
  vector: { kind: 'add-scaled', scale: 0.5 },
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
    const alone = await interleave(await blockCases(sources, bytes), rounds);
    report('Kernels on one block in cache, GB/s read and written', alone, 'copy');
    const whole = await interleave(await callCases(sources, bytes), rounds);
    report(`Whole calls on ${ELEMENTS / 2 ** 20} Mi elements, GB/s read and written`, whole, 'copy');
    return Object.entries({ ...alone, ...whole }).map(([name, figures]) => ({ name, figures }));
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
  const modules = {
    ...(await server.ssrLoadModule('/src/kernels/wasm/loader.ts')),
    ...(await server.ssrLoadModule('/src/kernels/wasm/module.ts')),
    ...(await server.ssrLoadModule('/src/kernels/widening.ts')),
  };
  return [modules, () => server.close()];
}

async function blockCases({ BLOCK, layOut }, bytes) {
  const { instance } = await WebAssembly.instantiate(bytes);
  const module = instance.exports;
  const [sft, plus, minus, result] = layOut(module);
  const memory = new Uint8Array(module.memory.buffer);
  const fill = (dtype) => {
    for (const slot of [sft, plus, minus]) memory.set(weights(dtype, BLOCK), slot);
  };
  const cases = { 'block copy': () => perSecond(() => memory.copyWithin(result, sft, sft + BLOCK * 4), BLOCK * 8) };
  for (const [dtype, size] of Object.entries(DTYPES)) {
    const add = (name, operands, run) => {
      cases[`block ${name} ${dtype}`] = () => {
        fill(dtype);
        return perSecond(run, BLOCK * size * operands);
      };
    };
    add('RESTA', 4, () => module[`addDifference${dtype}`](result, sft, plus, minus, BLOCK, 0.5));
    add('RESTA and counts', 4, () => {
      module[`addDifference${dtype}`](result, sft, plus, minus, BLOCK, 0.5);
      module[`count${dtype}`](result, sft, BLOCK);
    });
    add('RESTA_d', 4, () =>
      module[`dropDifference${dtype}`](result, sft, plus, minus, BLOCK, 0.5, 1.4, 2 ** 30, 2 ** 32, 7, 0, 1, 2),
    );
    add('vector added', 3, () => module[`add${dtype}`](result, sft, plus, BLOCK, 0.5));
    add('difference', 3, () => module[`subtract${dtype}`](result, plus, minus, BLOCK));
  }
  return cases;
}

async function callCases({ loadWasmKernels, widening }, bytes) {
  const kernels = widening(await loadWasmKernels(bytes));
  const operands = (dtype) => ({ dtype, bytes: weights(dtype, ELEMENTS) });
  const [from, to] = [operands('F32').bytes, operands('F32').bytes];
  const cases = { copy: () => perSecond(() => to.set(from), from.length * 2, 1) };
  const add = (name, op, inputs, out) => {
    const moved = [...inputs, out].reduce((sum, operand) => sum + operand.bytes.length, 0);
    cases[name] = () => perSecond(() => kernels.apply(op, inputs, out, 5), moved, 1);
  };
  const ready = Object.fromEntries(
    Object.keys(DTYPES).map((dtype) => [
      dtype,
      { inputs: [operands(dtype), operands(dtype), operands(dtype)], out: operands(dtype) },
    ]),
  );
  for (const [dtype, { inputs, out }] of Object.entries(ready)) {
    for (const name of ['RESTA', 'RESTA_d']) add(`${name} ${dtype}`, OPS[name], inputs, out);
  }
  const [F32, F16, BF16] = [ready.F32.inputs[0], ready.F16.inputs[0], ready.BF16.inputs[0]];
  add('RESTA BF16 F32 BF16 to BF16', OPS.RESTA, [BF16, F32, BF16], ready.BF16.out);
  add('RESTA F16 BF16 BF16 to F16', OPS.RESTA, [F16, BF16, BF16], ready.F16.out);
  add('difference of BF16 to F32', OPS.difference, [BF16, ready.BF16.inputs[1]], ready.F32.out);
  add('vector F32 added to BF16', OPS.vector, [BF16, F32], ready.BF16.out);
  // Any bytes will do here: conversions to and from these types take the same steps for all values.
  const eight = (bytes) => ({ dtype: 'F8_E4M3', bytes: bytes.subarray(0, ELEMENTS) });
  add(
    'RESTA F8_E4M3',
    OPS.RESTA,
    [F16, BF16, F32].map((x) => eight(x.bytes)),
    eight(ready.F16.out.bytes),
  );
  const wide = { dtype: 'F64', bytes: F32.bytes }; // half as many elements
  const half = { dtype: 'BF16', bytes: ready.BF16.out.bytes.subarray(0, ELEMENTS) };
  add('RESTA F64 to BF16', OPS.RESTA, [wide, wide, wide], half);
  add('convert F32 to BF16', OPS.convert, [F32], ready.BF16.out);
  add('convert F16 to F32', OPS.convert, [F16], ready.F32.out);
  return cases;
}

/** Finite bytes of about the size of weights: a fixed exponent, random fractions and signs. */
function weights(dtype, elements) {
  const bytes = new Uint8Array(elements * DTYPES[dtype]);
  const upper = { F32: [0x3c, 3], F16: [0x24, 1], BF16: [0x3c, 1] }[dtype];
  let state = 12345;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = i % DTYPES[dtype] === upper[1] ? upper[0] | (state & 0x80000000 ? 0x80 : 0) : state >>> 24;
  }
  return bytes;
}

/** GB/s of `run`, which moves so many bytes, over a fifth of a second or at least `least` runs. */
async function perSecond(run, bytes, least = 100) {
  await run();
  const started = performance.now();
  let runs = 0;
  do {
    for (let i = 0; i < least; i++) {
      const pending = run();
      if (pending instanceof Promise) await pending; // awaiting what is done already would be measured too
    }
    runs += least;
  } while (performance.now() - started < 200);
  return (bytes * runs) / (performance.now() - started) / 1e6;
}

function report(title, figures, baseline) {
  const base = Object.keys(figures).find((name) => name.endsWith(baseline));
  const rows = Object.entries(figures).map(([name, values]) => {
    const ratios = values.map((value, round) => value / figures[base][round]);
    return [name, spread(values), spread(ratios)];
  });
  printTable(title, ['what', 'GB/s, median (min to max)', 'of a copy'], rows);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  await benchKernels({ rounds: Number(process.argv[2] ?? 9) });
