/**
 * Compiles the AssemblyScript modules: the kernels to src/kernels/wasm/build/kernels.wasm and the hash to src/files/hash/build/sha256.wasm, each
 * unless the file is newer than all its sources. Called before the dev server, the build, the tests and the benchmarks: `await buildKernels()`,
 * or `node tools/run/kernels.mjs`.
 */
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KERNELS = { sources: 'src/kernels/wasm/assembly', output: 'src/kernels/wasm/build/kernels.wasm' };
const HASH = { sources: 'src/files/hash/assembly', output: 'src/files/hash/build/sha256.wasm' };

/** @returns {Promise<string>} path of the compiled kernels; rejects with the compiler's own words */
export async function buildKernels() {
  const [kernels] = await Promise.all([built(KERNELS), built(HASH)]);
  return kernels;
}

/** @returns {Promise<string>} path of the compiled SHA-256 */
export const buildHash = () => built(HASH);

async function built({ sources, output }) {
  const [from, to] = [join(ROOT, sources), join(ROOT, output)];
  if (!(await upToDate(from, to))) await compile(from, to);
  return to;
}

async function upToDate(folder, output) {
  const made = await modified(output);
  const sources = (await readdir(folder)).map((name) => join(folder, name));
  const times = await Promise.all([...sources, fileURLToPath(import.meta.url)].map(modified));
  return times.every((time) => time < made);
}

async function modified(path) {
  const found = await stat(path).catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return found?.mtimeMs ?? 0;
}

/** The compiler writes aside; the rename makes concurrent calls (parallel tests) safe. */
async function compile(folder, output) {
  const { main } = await import('assemblyscript/asc');
  await mkdir(dirname(output), { recursive: true });
  const aside = `${output}.${process.pid}.wasm`;
  const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', '1'];
  const source = relative(ROOT, join(folder, 'index.ts'));
  const { error, stderr } = await main([source, ...options, '--outFile', relative(ROOT, aside), '--baseDir', ROOT]);
  if (error) throw new Error(`${relative(ROOT, folder)} does not compile.\n${stderr.toString()}`, { cause: error });
  await rename(aside, output);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(relative(ROOT, await buildKernels()));
