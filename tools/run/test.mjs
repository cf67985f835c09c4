/**
 * `npm test`: everything there is to check, from a fresh clone: install, find or install a Chromium, types, lint, unit tests,
 * the built page, browser and end-to-end tests. The last line adds up all suites: `N passed, N failed, N skipped`.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { build } from './build.mjs';
import { ensureChromium, ensureInstalled, ROOT } from './prepare.mjs';

const totals = { passed: 0, failed: 0, skipped: 0 };

/** A check that passes or fails as a whole (types, lint, build). */
async function check(name, action) {
  console.log(`\n== ${name}`);
  try {
    await action();
    totals.passed += 1;
  } catch (error) {
    console.error(String(error?.message ?? error));
    totals.failed += 1;
  }
}

function node(script, ...args) {
  const result = spawnSync(process.execPath, [`${ROOT}node_modules/${script}`, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  return result.status ?? 1;
}

function mustPass(script, ...args) {
  const status = node(script, ...args);
  if (status !== 0) throw new Error(`${script} ended with code ${status}`);
}

/** One vitest project; its counts come from vitest's own JSON report, so nothing is counted that did not run. */
function suite(project) {
  console.log(`\n== ${project} tests`);
  const report = `${ROOT}test/results/${project}.json`;
  rmSync(report, { force: true });
  const status = node(
    'vitest/vitest.mjs',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  );
  let counts;
  try {
    counts = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    console.error(`The ${project} suite ended with code ${status} and left no report.`);
    totals.failed += 1;
    return;
  }
  totals.passed += counts.numPassedTests;
  totals.failed += counts.numFailedTests;
  totals.skipped += counts.numPendingTests + (counts.numTodoTests ?? 0);
  // A file that could not even be loaded has no tests to count.
  const broken = counts.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  totals.failed += broken;
  if (status !== 0 && counts.numFailedTests + broken === 0) totals.failed += 1;
}

ensureInstalled();
process.env.CHROMIUM = ensureChromium();
mkdirSync(`${ROOT}test/results`, { recursive: true });
await check('types', () => mustPass('typescript/bin/tsc', '--noEmit'));
await check('lint', () => mustPass('@biomejs/biome/bin/biome', 'check', '.'));
await check('build', () => build());
suite('unit');
suite('browser');
suite('e2e');
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 ? 1 : 0;
