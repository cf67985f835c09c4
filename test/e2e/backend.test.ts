/** Which backend computes a merge: the same files from each, the reason in the driver's JSON and on the screen, and the choice of another. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { main } from '../../tools/drive/drive.mjs';
import { openPage } from '../../tools/drive/page.mjs';
import { type Merging, mergingIn, newPlace, ROLES, sha256 } from './merging.ts';
import { DEMO, type Visit, visit } from './visit.ts';

/** Whatever the computer that runs the tests has: all of them are answers, and none of them is 'asked'. */
const REASONS = ['faster', 'no-gpu', 'software-gpu', 'differs', 'failed'];

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'resta-web-backend-'));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Merged {
  backend: string;
  changed: number;
  nonFinite: number;
  shards: { file: string; sha256: string }[];
}

describe('a merge', () => {
  let page: Awaited<ReturnType<typeof openPage>>;
  let runs = 0;

  beforeAll(async () => {
    page = await openPage();
  });

  afterAll(() => page?.close());

  function mergeOn(backend: string, recipe: object, roles: Record<string, string>): Promise<Merged> {
    page.pick(...Object.values(roles).map((folder) => join(DEMO, folder)), scratch);
    const argument = { recipe: { version: 1, shardBytes: 500_000, ...recipe }, roles: Object.keys(roles), backend };
    return page.call('merge', { ...argument, name: `${backend}-${runs++}` }) as Promise<Merged>;
  }

  const THREE = { sft: 'sft', aligned: 'aligned', unaligned: 'unaligned' };
  const { sft: _, ...TWO } = THREE;

  test.each([
    ['RESTA', { method: 'resta', g: 0.7 }, THREE],
    ['RESTA_d', { method: 'resta_d', g: 0.7, p: 0.3, seed: 7 }, THREE],
    ['RESTA into bfloat16', { method: 'resta', g: 1, outputDtype: 'BF16' }, THREE],
    ['RESTA of a LoRA', { method: 'resta', g: 0.4 }, { ...THREE, sft: 'sft-lora' }],
    ['the safety vector alone', { method: 'resta', g: 1, output: 'vector' }, TWO],
  ])('%s writes the same files with WebAssembly, WebGPU and the plain reference', async (_, recipe, roles) => {
    const reference = await mergeOn('reference', recipe, roles);
    expect(reference).toMatchObject({ backend: 'reference' });
    expect(reference.shards.length).toBeGreaterThan(1);
    for (const backend of ['wasm', 'webgpu']) {
      const { changed, nonFinite, shards } = reference;
      expect(await mergeOn(backend, recipe, roles)).toMatchObject({ backend, changed, nonFinite, shards });
    }
  });
});

test('the driver computes with the faster one by itself, and says which and why', async () => {
  const json = join(scratch, 'result.json');
  const roles = Object.values(ROLES).flatMap((role) => [`--${role}`, join(DEMO, role)]);
  const merge = (name: string, ...more: string[]) =>
    main(['merge', '--method', 'resta', ...roles, '--out', join(scratch, name), '--json', json, ...more]);
  const result = () => JSON.parse(readFileSync(json, 'utf8'));

  expect(await merge('by-itself')).toBe(0);
  const { backend, backendWhy, shards } = result();
  expect(REASONS).toContain(backendWhy);
  expect(backend).toMatch(backendWhy === 'faster' ? /^(wasm|webgpu)$/ : /^wasm$/);
  expect(await merge('by-name', '--backend', 'wasm', '--workers', 'auto')).toBe(0);
  expect(result()).toMatchObject({ backend: 'wasm', backendWhy: 'asked', shards });
});

describe('the Merge screen', () => {
  let visitor: Visit;
  let merging: Merging;
  let place: string;
  let places = 0;

  beforeAll(async () => {
    visitor = await visit();
    merging = mergingIn(visitor);
  });

  afterAll(() => visitor?.close());

  beforeEach(async () => {
    place = newPlace(visitor, `place-${places++}`);
    visitor.troubles.length = 0;
    await visitor.open('#merge');
  });

  const chooser = () => visitor.page.locator('details.backend');
  const arithmetic = async () =>
    (await visitor.page.locator('.done dl > div').filter({ hasText: 'Arithmetic' }).locator('dd').innerText()).trim();

  async function openChooser(): Promise<void> {
    await chooser().getByText('chosen automatically').waitFor();
    await chooser().locator('summary').click();
  }

  test('looks for the faster one when there is something to merge, and says which it is and why', async () => {
    expect(await chooser().count()).toBe(0);
    await merging.openDemo();
    await openChooser();
    expect(await chooser().locator('summary').innerText()).toMatch(
      /^Computed by (WebAssembly|WebGPU), chosen automatically$/,
    );
    expect(await chooser().locator('p').innerText()).toMatch(/graphics card.*byte for byte/);
    expect(visitor.troubles).toEqual([]);
  });

  test('computes by what was chosen instead, says so afterwards, and writes the same file', async () => {
    await merging.openDemo();
    await openChooser();
    const hashes: string[] = [];
    for (const name of ['WebAssembly', 'WebGPU']) {
      await merging.choose(name);
      await chooser().getByText(`Computed by ${name}`).waitFor();
      const folder = await merging.mergeTo(place, name);
      expect(await arithmetic()).toMatch(new RegExp(`^${name}`));
      hashes.push(sha256(join(folder, 'model.safetensors')));
      const again = visitor.page.getByText('Merge again');
      if (!(await merging.startButton().isVisible())) await again.click();
      if (!(await chooser().getByRole('radio', { name: 'WebGPU' }).isVisible())) {
        await chooser().locator('summary').click();
      }
    }
    expect(hashes[1]).toBe(hashes[0]);
    expect(visitor.troubles).toEqual([]);
  });
});
