/**
 * `npm run bench [page] [merge] [model] [kernels] [large --family DIR] [--rounds N] [--size 30m|125m|1g|1b|4g]`: ratios against a baseline
 * of the same run, as tables. Without a name: page, merge and model. Times depend on the machine; the ratios are what to compare.
 */

import { cpus } from 'node:os';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const BENCHES = {
  page: async (options) => (await import('./page.mjs')).benchPage(options),
  merge: async (options) => (await import('./merge.mjs')).benchMerge(options),
  model: async (options) => (await import('./model.mjs')).benchModel(options),
  kernels: async (options) => (await import('./kernels.mjs')).benchKernels(options),
  large: async (options) => (await import('./large.mjs')).benchLarge(options),
};

/** @returns {Promise<number>} exit code */
export async function bench(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      size: { type: 'string' },
      family: { type: 'string' },
      methods: { type: 'string' },
      workers: { type: 'string' },
      'shard-bytes': { type: 'string' },
      keep: { type: 'boolean' },
    },
  });
  const unknown = positionals.filter((name) => !(name in BENCHES));
  if (unknown.length > 0) {
    console.error(`There is no benchmark "${unknown[0]}": choose ${Object.keys(BENCHES).join(', ')}.`);
    return 2;
  }
  const options = {
    ...(values.rounds && { rounds: Number(values.rounds) }),
    ...(values.size && { size: values.size }),
    ...(values.family && { family: values.family }),
    ...(values.methods && { methods: values.methods.split(',') }),
    ...(values.workers && { workers: values.workers.split(',').map(Number) }),
    ...(values['shard-bytes'] && { shardBytes: Number(values['shard-bytes']) }),
    keep: values.keep ?? false,
  };
  console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`);
  for (const name of positionals.length > 0 ? positionals : ['page', 'merge', 'model']) await BENCHES[name](options);
  return 0;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = await bench(process.argv.slice(2));
