/** `npm run bench [NAME…] [options]`: ratios against a baseline of the same run, as tables. Times depend on the machine; the ratios are what to compare. */

import { cpus } from 'node:os';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = `npm run bench [page] [io] [merge] [model] [kernels] -- [options]     without a name: page, merge and model

  --rounds N           of everything, interleaved

  of io:
  --megabytes N        of each of the three files that are read; default 512

  of merge:
  --size 125m,1.1b     models that a script makes: 30m, 125m, 1.1b, 7b
  --input-files N      that each of them is spread over; default 1
  --family DIR         instead of those: a folder with sft, aligned and unaligned (tools/large/make.py makes one)
  --cases a,b          resta, floor, resta_d, resta-browser, floor-browser, native, pytorch, mergekit; default: all that can run
  --python PATH        with torch and safetensors, and with mergekit if it is to be measured; default /usr/bin/python3
  --backend NAME       auto, wasm, webgpu or reference; default auto
  --workers auto|N     default auto: as many as the page takes by itself
  --shard-bytes N      of the weight files that the page writes
  --dir DIR            to write into; default: beside the models
  --keep               leaves the merged folders there

  of model:
  --part a,b           speed (a model of 135 million weights, beside PyTorch and wllama), demo, strength; default: all
  --cases a,b          of speed: wasm-1, wasm-2, wllama-1, …; default: all that can run. Not together with merge, which has others
  --python PATH        with torch and transformers`;

const BENCHES = {
  page: async (options) => (await import('./page.mjs')).benchPage(options),
  io: async (options) => (await import('./io.mjs')).benchIo(options),
  merge: async (options) => (await import('./merge.mjs')).benchMerge(options),
  model: async (options) => (await import('./model.mjs')).benchModel(options),
  kernels: async (options) => (await import('./kernels.mjs')).benchKernels(options),
};

const OPTIONS = {
  rounds: { type: 'string' },
  size: { type: 'string' },
  megabytes: { type: 'string' },
  'input-files': { type: 'string' },
  family: { type: 'string' },
  cases: { type: 'string' },
  python: { type: 'string' },
  backend: { type: 'string' },
  workers: { type: 'string' },
  'shard-bytes': { type: 'string' },
  dir: { type: 'string' },
  keep: { type: 'boolean' },
  part: { type: 'string' },
  help: { type: 'boolean' },
};

const BACKENDS = ['auto', 'wasm', 'webgpu', 'reference'];

/** A count that was given as text; undefined where it was not given, or left to the page. */
function count(values, name) {
  const text = values[name];
  if (text === undefined || text === 'auto') return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} wants a number above 0, not "${text}".`);
  return Number(text);
}

function optionsOf(values) {
  if (values.backend && !BACKENDS.includes(values.backend))
    throw new Error(`--backend is one of ${BACKENDS.join(', ')}, not "${values.backend}".`);
  const list = (text) => text?.split(',').filter(Boolean);
  const all = {
    rounds: count(values, 'rounds'),
    megabytes: count(values, 'megabytes'),
    sizes: list(values.size),
    inputFiles: count(values, 'input-files'),
    family: values.family,
    cases: list(values.cases),
    python: values.python,
    backend: values.backend,
    workers: count(values, 'workers'),
    shardBytes: count(values, 'shard-bytes'),
    dir: values.dir,
    keep: values.keep,
    parts: list(values.part),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** @returns {Promise<number>} exit code */
export async function bench(argv) {
  try {
    const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options: OPTIONS });
    const unknown = positionals.find((name) => !(name in BENCHES));
    if (unknown || values.help) {
      if (unknown) console.error(`There is no benchmark "${unknown}": choose ${Object.keys(BENCHES).join(', ')}.`);
      else console.log(USAGE);
      return unknown ? 2 : 0;
    }
    const options = optionsOf(values);
    console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`);
    for (const name of positionals.length > 0 ? positionals : ['page', 'merge', 'model']) await BENCHES[name](options);
    return 0;
  } catch (error) {
    console.error(error.message);
    return error.code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = await bench(process.argv.slice(2));
