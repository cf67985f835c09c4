/** What the speed benchmark (model-speed.mjs) prints: whether all give the same ids, speeds, and memory against the weights. */

import { median, printTable, spread } from './table.mjs';

/** Whose decode speed at the same precision is 1. */
const BASELINE = { f32: 'wllama-1', q8_0: 'wllama-q8-1', int8: 'wllama-q8-1' };
const IDS_OF = 'f32';

/**
 * @param cases of model-speed.mjs
 * @param {Record<string, object[]>} runs by name of the case; in each load, bytes of the weights, prefill, decode by rows, perCpu, ids, and megabytes:
 *   idle, peak, and gpu, what the GPU process took more
 * @param {number} parameters of the model
 * @param {string | undefined} adapter what WebGPU runs on
 */
export function reportSpeed(cases, runs, parameters, adapter) {
  const done = Object.entries(runs).filter(([, { length }]) => length > 0);
  const title = (name) => (name === 'webgpu' ? `${cases[name].title}: ${adapter}` : cases[name].title);
  tellAgreement(
    done.filter(([name]) => cases[name].precision === IDS_OF).map(([name, [{ ids }]]) => [title(name), ids]),
  );
  const values = (name, pick) => (runs[name] ?? []).map(pick).filter((value) => value !== undefined);
  printTable(
    `A model of ${(parameters / 1e6).toFixed(1)} million weights: seconds to load, and tokens/s of one answer`,
    ['what', 'load, s', 'prefill', 'decode', 'per CPU second', 'GB/s of weights', 'x wllama, same precision, 1 thread'],
    done.map(([name]) => {
      const { precision } = cases[name];
      const decode = values(name, (run) => run.decode[1]);
      const baseline = values(BASELINE[precision], (run) => run.decode[1]);
      const perCpu = values(name, (run) => run.perCpu);
      const gigabytes = runs[name][0].bytes / 1e9;
      return [
        title(name),
        spread(values(name, (run) => run.load)),
        spread(values(name, (run) => run.prefill)),
        spread(decode),
        perCpu.length > 0 ? spread(perCpu) : '',
        (gigabytes * median(decode)).toPrecision(3),
        baseline.length > 0 ? (median(decode) / median(baseline)).toFixed(2) : '',
      ];
    }),
  );
  const batches = [...new Set(done.flatMap(([, [run]]) => Object.keys(run.decode)))];
  const batched = done.filter(([, [run]]) => Object.keys(run.decode).length > 1);
  if (batched.length > 0) {
    printTable(
      'Tokens/s of several answers in one batch',
      ['what', ...batches.map((rows) => `${rows} row${rows === '1' ? '' : 's'}`)],
      batched.map(([name]) => [title(name), ...batches.map((rows) => spread(values(name, (run) => run.decode[rows])))]),
    );
  }
  const measured = done.filter(([name]) => values(name, (run) => run.peak).length > 0);
  printTable(
    'Peak memory while it loads, reads and answers one prompt, MB',
    ['what', 'idle before', 'peak', 'over idle', 'of the GPU process', 'weights as loaded', 'over idle / weights'],
    measured.map(([name]) => {
      const weights = runs[name][0].bytes / 1e6;
      const over = values(name, (run) => run.peak - run.idle + (run.gpu ?? 0));
      return [
        title(name),
        spread(values(name, (run) => run.idle)),
        spread(values(name, (run) => run.peak)),
        spread(values(name, (run) => run.peak - run.idle)),
        spread(values(name, (run) => run.gpu ?? 0)),
        weights.toFixed(0),
        (median(over) / weights).toFixed(2),
      ];
    }),
  );
}

/** Of each program its first id after the long prompt (where it had that one), and those after the short one. */
function tellAgreement(answers) {
  if (answers.length < 2) return;
  const [[first, expected], ...others] = answers;
  console.log('');
  for (const [title, ids] of others) {
    const differs = ids.findIndex((id, i) => id !== undefined && id !== expected[i]);
    const same = ids.filter((id) => id !== undefined).length;
    console.log(
      differs < 0
        ? `${title}: the same ${same} greedy ids as ${first}.`
        : `${title}: other ids than ${first}, from ${differs === 0 ? 'the long prompt' : `token ${differs}`} on.`,
    );
  }
}
