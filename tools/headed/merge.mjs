/**
 * The Merge screen in a headed Chromium on a virtual display, with the real folder dialogs of GTK and the browser's real permission questions:
 * nothing is replaced, nothing allowed beforehand. Tests answer the pickers by dropped handles instead (tools/drive/browser.mjs); this
 * shows, once in a while and by hand, that a person gets the same.
 *
 *   apt-get install xvfb xdotool imagemagick
 *   node tools/headed/merge.mjs [FOLDER FOR SCREENSHOTS]
 */

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { buildIfStale } from '../run/build.mjs';
import { ensureChromium } from '../run/prepare.mjs';
import { servePage } from '../run/serve.mjs';

const DEMO = resolve(import.meta.dirname, '../../public/demo');
const DISPLAY = `:${90 + Math.floor(Math.random() * 9)}`;
// Without a desktop's portal GTK draws the dialog itself, where xdotool can reach it.
const environment = { ...process.env, DISPLAY, GTK_USE_PORTAL: '0', DBUS_SESSION_BUS_ADDRESS: 'disabled:' };
const shots = process.argv[2] && resolve(process.argv[2]);

function xdotool(...args) {
  try {
    return execFileSync('xdotool', args, {
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return ''; // a window that has gone meanwhile
  }
}

function screenshot(name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  execFileSync('import', ['-window', 'root', join(shots, `${name}.png`)], { env: environment });
}

const windows = () =>
  xdotool('search', '--onlyvisible', '--name', '.*')
    .split('\n')
    .filter(Boolean)
    .map((id) => ({ id, name: xdotool('getwindowname', id) }));

async function until(what, look, milliseconds = 15_000) {
  for (const end = Date.now() + milliseconds; Date.now() < end; await pause(400)) {
    const found = look();
    if (found) return found;
  }
  screenshot('stuck');
  throw new Error(`${what} did not come; windows: ${JSON.stringify(windows())}`);
}

/** Types a path into the dialog and presses its accepting button, at the bottom right. */
async function chooseInDialog(path) {
  const { id } = await until('the folder dialog', () =>
    windows().find(({ name }) => /select|where|site/i.test(name) && !/RESTA/.test(name)),
  );
  await pause(500);
  xdotool('key', 'ctrl+l');
  await pause(200);
  xdotool('key', 'ctrl+a');
  xdotool('type', '--delay', '4', `${path}/`);
  await pause(700);
  const geometry = Object.fromEntries(
    xdotool('getwindowgeometry', '--shell', id)
      .split('\n')
      .map((line) => line.split('=')),
  );
  screenshot(`dialog-${path.split('/').filter(Boolean).at(-1)}`);
  const [x, y] = [+geometry.X + +geometry.WIDTH - 50, +geometry.Y + +geometry.HEIGHT - 24];
  await until('the end of the dialog', () => {
    if (!windows().some((one) => one.id === id)) return true;
    // The first press may only take the completed path over.
    xdotool('mousemove', String(x), String(y), 'click', '1');
    return false;
  });
}

/**
 * The browser's question has "don't allow" as its default button; Tab goes to the other one.
 * @param settled whether the page has what it asked for
 */
async function allow(settled) {
  for (let attempt = 0; attempt < 6; attempt++) {
    await pause(900);
    if (await settled()) return attempt;
    screenshot(`question-${attempt}`);
    xdotool('key', 'Tab');
    await pause(150);
    xdotool('key', 'space');
  }
  await pause(900);
  if (await settled()) return 6;
  throw new Error('the permission question was not answered');
}

await buildIfStale();
const server = await servePage();
const folder = mkdtempSync(join(tmpdir(), 'resta-headed-'));
const profile = mkdtempSync(join(tmpdir(), 'resta-profile-'));
for (const role of ['sft', 'aligned', 'unaligned']) cpSync(join(DEMO, role), join(folder, role), { recursive: true });
mkdirSync(join(folder, 'results'));
const xvfb = spawn('Xvfb', [DISPLAY, '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], { stdio: 'ignore' });
await pause(1500);
// No window manager: its frames would shift what xdotool says about places.
const context = await chromium.launchPersistentContext(profile, {
  executablePath: ensureChromium(),
  headless: false,
  chromiumSandbox: false,
  env: environment,
  viewport: null,
  args: ['--no-sandbox', '--no-first-run', '--window-position=0,0', '--window-size=1200,860'],
});
try {
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(`${server.url}#merge`);
  const seen = (text) => page.getByText(text).first().isVisible();
  for (const [title, role] of [
    ['Fine-tuned', 'sft'],
    ['Aligned', 'aligned'],
    ['Unaligned', 'unaligned'],
  ]) {
    await page.getByRole('button', { name: `Open folder: ${title}` }).click();
    await chooseInDialog(join(folder, role));
    const asked = await allow(() => page.getByRole('button', { name: `Change: ${title}` }).isVisible());
    console.log(`${title}: opened through the dialog, ${asked} answers to permission questions`);
  }
  const start = page.getByRole('button', { name: 'Choose a place and merge' });
  await start.waitFor();
  await start.click();
  await chooseInDialog(join(folder, 'results'));
  const asked = await allow(() => seen('SHA-256'));
  screenshot('merged');
  const [made] = readdirSync(join(folder, 'results'));
  const files = made ? readdirSync(join(folder, 'results', made)) : [];
  console.log(
    `written through the dialog, ${asked} answers to permission questions: ${made}: ${files.sort().join(', ')}`,
  );
  if (!files.includes('model.safetensors') || !files.includes('merge.json'))
    throw new Error('the result is not complete');
  if (
    files.some((file) => file.startsWith('UNFINISHED') || existsSync(join(folder, 'results', made, `${file}.crswap`)))
  )
    throw new Error('the result still says that it is unfinished');
  // The dialog refuses nothing by itself: the home folder is the browser's to refuse.
  await page.getByRole('button', { name: 'Change: Fine-tuned' }).click();
  await page.getByRole('button', { name: 'Open folder: Fine-tuned' }).click();
  await until('the folder dialog', () =>
    windows().find(({ name }) => /select|where|site/i.test(name) && !/RESTA/.test(name)),
  );
  xdotool('key', 'Escape');
  await page.getByText(/No folder was chosen/).waitFor();
  console.log('closing the dialog: a hint, no error');
} finally {
  await context.close();
  await server.close();
  xvfb.kill();
  for (const path of [folder, profile]) rmSync(path, { recursive: true, force: true });
}
