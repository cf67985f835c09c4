/**
 * Compiles the AssemblyScript kernels to src/kernels/wasm/build/kernels.wasm, unless that file is newer than every source.
 * Called before the dev server, the build, the tests and the benchmarks: `await buildKernels()`, or `node tools/run/kernels.mjs`.
 */
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = join(ROOT, 'src/kernels/wasm/assembly');
const OUTPUT = join(ROOT, 'src/kernels/wasm/build/kernels.wasm');

/** @returns {Promise<string>} path of the compiled module; rejects with the compiler's own words */
export async function buildKernels() {
  if (!(await upToDate())) await compile();
  return OUTPUT;
}

async function upToDate() {
  const built = await modified(OUTPUT);
  const sources = (await readdir(SOURCES)).map((name) => join(SOURCES, name));
  const times = await Promise.all([...sources, fileURLToPath(import.meta.url)].map(modified));
  return times.every((time) => time < built);
}

async function modified(path) {
  const found = await stat(path).catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return found?.mtimeMs ?? 0;
}

/** The compiler writes aside; the rename makes concurrent calls (parallel tests) safe. */
async function compile() {
  const { main } = await import('assemblyscript/asc');
  await mkdir(dirname(OUTPUT), { recursive: true });
  const aside = `${OUTPUT}.${process.pid}.wasm`;
  const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', '1'];
  const source = relative(ROOT, join(SOURCES, 'index.ts'));
  const { error, stderr } = await main([source, ...options, '--outFile', relative(ROOT, aside), '--baseDir', ROOT]);
  if (error) throw new Error(`The kernels do not compile.\n${stderr.toString()}`, { cause: error });
  await rename(aside, OUTPUT);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(relative(ROOT, await buildKernels()));
