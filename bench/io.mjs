/**
 * `npm run bench io`: the ceilings of this browser on this computer, by its bare interfaces (io.worker.ts): every way to read a file of a
 * picked folder, every way to write one, and the system's own for the same bytes. Page cache warm; all cases once per round, in turn.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevPage } from '../tools/drive/dev-page.mjs';
import { SHAPE } from './floor.mjs';
import { interleave, median, printTable, spread } from './table.mjs';

const MIB = 2 ** 20;
const INPUTS = ['a.bin', 'b.bin', 'c.bin'];
const GB = 1e9;

function makeInputs(dir, bytes) {
  mkdirSync(dir, { recursive: true });
  for (const name of INPUTS) {
    const path = join(dir, name);
    if (existsSync(path) && statSync(path).size === bytes) continue;
    spawnSync('sh', ['-c', 'head -c "$1" /dev/urandom > "$2"', 'sh', String(bytes), path]);
  }
}

function timed(action) {
  const begun = performance.now();
  action();
  return (performance.now() - begun) / 1000;
}

/** Seconds of each case; what it wrote is taken away and on its way to the disk before the next. */
function casesOf(page, dir, bytes) {
  const call = (name, ...given) => page.page.evaluate(([name, given]) => window.benchIo[name](...given), [name, given]);
  const shell = (command) => timed(() => spawnSync('sh', ['-c', command], { cwd: dir, stdio: 'ignore' }));
  const split = new Map();
  const settled = (name, work) => async () => {
    spawnSync('sync');
    const result = await work();
    if (typeof result === 'number') return result;
    if (result.writing) split.set(name, [...(split.get(name) ?? []), result.writing]);
    await call('remove');
    return result.seconds;
  };
  const read =
    (way, chunk, names = INPUTS) =>
    () =>
      call('read', way, names, chunk * MIB);
  const write =
    (way, files, threads = 1, chunk = 4) =>
    () =>
      call('write', way, files, bytes, chunk * MIB, threads, ...(way === 'blob' ? ['a.bin'] : []));
  const reads = {
    'native: cat': () => shell(`cat ${INPUTS.join(' ')} > /dev/null`),
    'slice().arrayBuffer(), 4 MiB': read('slices', 4),
    'slice().arrayBuffer(), 16 MiB': read('slices', 16),
    'stream()': read('stream', 4),
    'BYOB streams, 1 MiB': read('byob', 1),
    'BYOB streams, 4 MiB': read('byob', 4),
    'BYOB streams, 16 MiB': read('byob', 16),
    'own storage, sync handle into WebAssembly memory': read('opfs', 4),
  };
  const writes = {
    'native: cp': () => {
      const seconds = shell('cp a.bin copy.bin');
      rmSync(join(dir, 'copy.bin'));
      return seconds;
    },
    'createWritable, 1 file': write('writable', 1),
    'createWritable, 1 file, 16 MiB pieces': write('writable', 1, 1, 16),
    'createWritable, then move()': write('moved', 1),
    'createWritable of a Blob of a file': write('blob', 1),
    'createWritable, 2 files at once': write('writable', 2),
    'createWritable, 4 files at once': write('writable', 4),
    'createWritable, 8 files at once': write('writable', 8),
    'createWritable, 8 files at once, 2 workers': write('writable', 8, 2),
    'own storage, sync handle': write('opfs', 1),
    'own storage, 4 files': write('opfs', 4),
    'own storage, 2 files, 2 workers': write('opfs', 2, 2),
    'own storage, then downloaded': async () => {
      const written = await call('write', 'opfs', 1, bytes, 4 * MIB);
      const begun = performance.now();
      const [download] = await Promise.all([
        page.page.waitForEvent('download'),
        call('download', 'bench-write-0.safetensors'),
      ]);
      await download.path();
      const seconds = written.seconds + (performance.now() - begun) / 1000;
      await download.delete();
      return { seconds, writing: written.seconds };
    },
  };
  const wrap = (cases) => Object.fromEntries(Object.entries(cases).map(([name, work]) => [name, settled(name, work)]));
  return { reads: wrap(reads), writes: wrap(writes), floors: wrap(floors(call, page, dir)), split };
}

/** The whole road by hand, in the shapes that were thought of; the best of them is the floor of `bench merge` (floor.mjs). */
function floors(call, page, dir) {
  const floor = (way, files, threads, lanes) => () => {
    page.pick(dir, dir, dir);
    const models = INPUTS.map((name) => [name]);
    return call('floorOf', models, way, { ...SHAPE, files, threads, lanes });
  };
  return {
    'to a folder: 1 file': floor('writable', 1, 1, 1),
    '4 files, one after the other': floor('writable', 4, 1, 1),
    '4 files at once': floor('writable', 4, 1, 4),
    '8 files, four at once': floor('writable', 8, 1, 4),
    '8 files at once': floor('writable', 8, 1, 8),
    '8 files, 2 workers with two each': floor('writable', 8, 2, 2),
    'to the own storage: 1 file': floor('opfs', 1, 1, 1),
    '4 files of it at once': floor('opfs', 4, 1, 4),
    '4 files of it, 2 workers with two each': floor('opfs', 4, 2, 2),
  };
}

function report(title, figures, bytes, split) {
  const [baseline] = Object.values(figures);
  printTable(
    title,
    ['what', 'seconds', 'of it closing', 'GB/s', 'x the first'],
    Object.entries(figures).map(([name, seconds]) => [
      name,
      spread(seconds),
      split.has(name) ? Math.max(0, median(seconds) - median(split.get(name))).toFixed(2) : '',
      (bytes / GB / median(seconds)).toFixed(2),
      (median(seconds) / median(baseline)).toFixed(2),
    ]),
  );
}

/** @param {{rounds?: number, megabytes?: number, dir?: string}} options `megabytes` of each of the three files */
export async function benchIo({ rounds = 3, megabytes = 512, dir = join(tmpdir(), 'resta-web-io') } = {}) {
  const bytes = megabytes * MIB;
  makeInputs(dir, bytes);
  const page = await openDevPage();
  try {
    await page.load('/bench/io-page.ts');
    page.pick(dir);
    await page.page.evaluate(() => window.benchIo.open());
    const { reads, writes, floors, split } = casesOf(page, dir, bytes);
    await page.page.evaluate(([names, bytes]) => window.benchIo.store(names, bytes), [INPUTS, bytes]);
    const figures = await interleave({ ...reads, ...writes, ...floors }, rounds);
    const of = (cases) => Object.fromEntries(Object.keys(cases).map((name) => [name, figures[name]]));
    const size = `${(bytes / GB).toFixed(2)} GB`;
    report(`Reading three files of ${size}, ${rounds} rounds: median (min to max)`, of(reads), 3 * bytes, split);
    report(`Writing ${size}`, of(writes), bytes, split);
    report(`Reading three files of ${size} and writing one, at the same time`, of(floors), 4 * bytes, split);
  } finally {
    await page.close();
  }
}
