/**
 * What must be there before anything runs: the npm packages of the lock file, and a Chromium.
 * Plain Node without packages, because it runs first on a fresh clone.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a command with its output shown; throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${result.status}`);
}

/** Installs the packages of package-lock.json unless they are there already. */
export function ensureInstalled() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Node ${process.versions.node} is too old: RESTA Web needs Node 20.19 or newer.`);
  }
  // The hash of the lock file, not its date: a checkout touches dates without changing packages.
  const stamp = `${ROOT}node_modules/.installed-lock`;
  const lock = createHash('sha256')
    .update(readFileSync(`${ROOT}package-lock.json`))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing packages (npm ci) …');
  run('npm', ['ci', '--no-audit', '--no-fund'], { stdio: ['ignore', process.stderr, 'inherit'] });
  writeFileSync(stamp, lock);
}

const CANDIDATES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Path of a Chromium or Chrome: $CHROMIUM, or the usual places; undefined when there is none. */
export function findChromium() {
  return [process.env.CHROMIUM, ...CANDIDATES].find((path) => path && existsSync(path));
}

/** Finds a Chromium, or installs the system's own package; throws with what to do when neither works. */
export function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  console.log('No Chromium found: installing one with the system package manager …');
  try {
    if (process.platform === 'darwin') {
      run('brew', ['install', '--cask', 'google-chrome']);
    } else {
      const [command, ...prefix] = process.getuid?.() === 0 ? ['apt-get'] : ['sudo', 'apt-get'];
      run(command, [...prefix, 'update']);
      // Debian calls it chromium; Ubuntu's package of that name is a wrapper for the snap.
      run(command, [...prefix, 'install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']);
    }
  } catch (error) {
    console.error(String(error));
  }
  const installed = findChromium();
  if (!installed) throw new Error('No Chromium found. Install Chromium or Chrome, or set CHROMIUM to its path.');
  return installed;
}
