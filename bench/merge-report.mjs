/** The tables of `npm run bench merge`, from the figures of all its runs. */

import { spawnSync } from 'node:child_process';
import { CASES } from './cases.mjs';
import { median, printTable, spread } from './table.mjs';

const GB = 1e9;
/** All three models are read and one is written. */
const MOVED = 4;
const NOTHING = '';

const gigabytesPerSecond = (bytes, run) => (MOVED * bytes) / GB / run.seconds;

/**
 * The median of the rounds' ratios to another case, in wall and in processor time: what slows a whole round slows both cases, and what else
 * the machine does moves the second less.
 */
function ratio(runs, base) {
  const pairs = runs.flatMap((run) =>
    (base ?? []).filter(({ round }) => round === run.round).map((other) => [run, other]),
  );
  if (pairs.length === 0) return NOTHING;
  const of = (pick) => median(pairs.map(([run, other]) => pick(run) / pick(other)));
  const [wall, cpu] = [of(({ seconds }) => seconds), of((run) => run.cpu?.total)];
  return Number.isFinite(cpu) ? `${wall.toFixed(2)} (${cpu.toFixed(2)})` : wall.toFixed(2);
}

function cpuOf(runs) {
  if (runs.some(({ cpu }) => !cpu || Number.isNaN(cpu.total))) return NOTHING;
  const middle = (pick) => median(runs.map(({ cpu }) => pick(cpu))).toFixed(2);
  const total = middle((cpu) => cpu.total);
  if (!runs.some(({ cpu }) => cpu.renderer)) return total;
  const rest = middle((cpu) => cpu.total - cpu.renderer - cpu.browser);
  return `${total} (${middle((cpu) => cpu.renderer)}, ${middle((cpu) => cpu.browser)}, ${rest})`;
}

function timeRow({ runs, failures, bytes }, name) {
  const mine = runs.get(name);
  const { title, floor } = CASES[name];
  if (mine.length === 0) return [title, 'failed', ...Array(5).fill(NOTHING)];
  return [
    failures.has(name) ? `${title} (failed at times)` : title,
    spread(mine.map(({ seconds }) => seconds)),
    cpuOf(mine),
    spread(mine.map((run) => gigabytesPerSecond(bytes, run))),
    floor ? ratio(mine, runs.get(floor)) : NOTHING,
    ratio(mine, runs.get('pytorch')),
    ratio(mine, runs.get('native')),
  ];
}

const PROCESSES = { renderer: 'renderer', browser: 'browser', 'gpu-process': 'GPU', utility: 'utility' };

function memoryRow(name, runs) {
  const peak = (type, kind = 'total') => runs.map(({ memory }) => memory[type]?.peak[kind] ?? 0);
  if (runs.every(({ memory }) => memory.program)) {
    return [
      CASES[name].title,
      NOTHING,
      spread(peak('program')),
      NOTHING,
      `${median(peak('program', 'anonymous')).toFixed(0)}, ${median(peak('program', 'files')).toFixed(0)}`,
      ...Array(3).fill(NOTHING),
    ];
  }
  const idle = runs.map(({ memory }) => memory.renderer?.idle.total ?? 0);
  return [
    CASES[name].title,
    median(idle).toFixed(0),
    spread(peak('renderer')),
    spread(peak('renderer').map((size, run) => size - idle[run])),
    `${median(peak('renderer', 'anonymous')).toFixed(0)}, ${median(peak('renderer', 'files')).toFixed(0)}`,
    ...['browser', 'gpu-process', 'utility'].map((type) => median(peak(type)).toFixed(0)),
  ];
}

function reportFamily(result, rounds) {
  const { size, bytes, runs } = result;
  printTable(
    `${size}: three bf16 models of ${(bytes / GB).toFixed(2)} GB each, ${rounds} interleaved rounds: median (min to max); ratios are medians of the rounds, in seconds (in CPU seconds)`,
    [
      'what',
      'seconds',
      'CPU seconds (renderer, browser, rest)',
      'GB/s read + written',
      'x floor',
      'x PyTorch',
      'x native',
    ],
    [...runs.keys()].map((name) => timeRow(result, name)),
  );
  const watched = [...runs].filter(
    ([, mine]) => mine.length > 0 && mine.every(({ memory }) => Object.keys(memory ?? {}).length > 0),
  );
  if (watched.length === 0) return;
  printTable(
    `${size}: peak memory (PSS, MB) of one process of each type, sampled every 0.1 s; of Python's, files are the inputs, which it maps`,
    [
      'what',
      'renderer before',
      'renderer or program, peak',
      'over idle',
      'anonymous, files',
      ...Object.values(PROCESSES).slice(1),
    ],
    watched.map(([name, mine]) => memoryRow(name, mine)),
  );
}

/** GB/s of one size beside the smallest: 1 is time that grows with the bytes alone. */
function reportLinearity(results) {
  const [smallest, ...larger] = [...results].sort((a, b) => a.bytes - b.bytes);
  const speed = ({ bytes, runs }, name) => {
    const speeds = runs.get(name).map((run) => gigabytesPerSecond(bytes, run));
    return speeds.length > 0 ? median(speeds) : undefined;
  };
  const cell = (result, name) => {
    const [large, small] = [speed(result, name), speed(smallest, name)];
    return large && small ? (large / small).toFixed(2) : NOTHING;
  };
  printTable(
    `GB/s against those at ${smallest.size}`,
    ['what', ...larger.map(({ size }) => size)],
    [...smallest.runs.keys()].map((name) => [CASES[name].title, ...larger.map((result) => cell(result, name))]),
  );
}

/** Whether those that compute the same wrote the same: one line for each. */
function reportDigests({ size, runs }) {
  const digest = (name) => runs.get(name)?.find((run) => run.digest)?.digest;
  for (const [name, { sameAs, title }] of Object.entries(CASES)) {
    const [mine, other] = [digest(name), sameAs && digest(sameAs)];
    if (mine && other)
      console.log(
        `${size}: the weights of "${title}" ${mine === other ? 'equal' : 'DIFFER FROM'} those of "${CASES[sameAs].title}", every byte of every tensor.`,
      );
  }
}

function reportFailures({ size, failures }) {
  for (const [name, message] of failures) console.log(`${size}: "${CASES[name].title}" failed: ${message}`);
}

function fileSystem(folder) {
  const { stdout } = spawnSync('stat', ['-f', '-c', '%T', folder], { encoding: 'utf8' });
  return stdout?.trim() || 'unknown';
}

/**
 * @param {{size: string, bytes: number, runs: Map<string, object[]>, failures: Map<string, string>}[]} results
 * @param {{rounds: number, dir: string}} options
 */
export function reportMerge(results, { rounds, dir }) {
  for (const result of results) reportFamily(result, rounds);
  if (results.length > 1) reportLinearity(results);
  console.log('');
  results.forEach(reportFailures);
  results.forEach(reportDigests);
  const runs = results.flatMap((result) => [...result.runs.values()].flat());
  if (runs.length === 0) return;
  const loads = runs.map(({ load }) => load);
  const disk = runs.reduce((sum, { fromDisk }) => sum + (fromDisk || 0), 0) / GB;
  const all = (key) => [...new Set(runs.flatMap((run) => run[key] ?? []))].join(', ') || 'none';
  console.log(
    [
      `The page used: backend ${all('backend')}; workers ${all('workers')}; weight files ${all('shards')}.`,
      `Written to ${dir} (${fileSystem(dir)}). All inputs were read once before; during the runs the whole system read ${disk.toFixed(2)} GB from its disks.`,
      `Written back (sync) before each run, not in its time: no case waits for its own bytes to reach the disk, nor for another's.`,
      `Load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}. Each case in a browser or process of its own; its start is not in its time.`,
    ].join('\n'),
  );
}
