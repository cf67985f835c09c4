/** “Take it with you” in the built page, from a terminal and on the screen: the folder loads in plain transformers.js, and a stopped one is gone. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeModels } from '../../bench/models.mjs';
import { main } from '../../tools/drive/drive.mjs';
import { plainTransformers, sessionOptions } from '../export/exporting.ts';
import { type Merging, mergingIn, newPlace } from './merging.ts';
import { DEMO, type Visit, visit } from './visit.ts';

/** Questions of the demo's task, and the answers that the fine-tune was taught. */
const TASKS = readFileSync(join(DEMO, 'prompts/task.jsonl'), 'utf8')
  .split('\n')
  .slice(0, 3)
  .map((line) => JSON.parse(line) as { prompt: string; expected: string });

async function answersOf(place: string, files: { path: string; bytes: number }[]): Promise<string[]> {
  const { pipeline } = await plainTransformers();
  const options = { device: 'auto', session_options: sessionOptions(place, { files }) } as const;
  const generator = await pipeline('text-generation', place, options);
  const answers: string[] = [];
  for (const { prompt } of TASKS) {
    const [said] = await generator([{ role: 'user', content: prompt }], { max_new_tokens: 48, do_sample: false });
    answers.push((said as { generated_text: { content: string }[] }).generated_text.at(-1)!.content);
  }
  await generator.dispose();
  return answers;
}

const filesIn = (place: string) =>
  readdirSync(place, { recursive: true, encoding: 'utf8' }).map((path) => ({ path, bytes: 0 }));
const expected = TASKS.map((task) => task.expected);

describe('from a terminal', () => {
  let scratch: string;
  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'resta-web-export-'));
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  test.each(['f32', 'int8'])(
    'an export in %s tells its files, and answers in plain transformers.js',
    async (precision) => {
      const [out, json] = [join(scratch, precision), join(scratch, 'result.json')];
      const model = join(DEMO, 'sft');
      expect(await main(['export', '--model', model, '--out', out, '--precision', precision, '--json', json])).toBe(0);
      const result = JSON.parse(readFileSync(json, 'utf8'));
      expect(result).toMatchObject({ version: 1, out, precision, parameters: 935_040 });
      expect(result.seconds).toBeGreaterThan(0);
      for (const { path, bytes } of result.files) expect(readFileSync(join(out, path)).length, path).toBe(bytes);
      expect(filesIn(out).map(({ path }) => path)).toEqual(
        expect.arrayContaining(result.files.map(({ path }: { path: string }) => path)),
      );
      expect(await answersOf(out, result.files)).toEqual(expected);

      const told = vi.spyOn(console, 'error').mockImplementation(() => {});
      expect(await main(['export', '--model', model, '--out', out])).toBe(1);
      expect(told.mock.calls.flat().join()).toContain('output-exists');
      told.mockRestore();
    },
  );
});

/** Presses Cancel as soon as a weight is written; from inside the page, because it may be over before a test could look. */
function cancelOnceWriting(): void {
  new MutationObserver((_, observer) => {
    const running = document.querySelector('.export .running');
    if (!running?.textContent?.includes('.onnx_data')) return;
    observer.disconnect();
    running.querySelector('button')!.click();
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

describe('on the Merge screen', () => {
  let visitor: Visit;
  let page: Page;
  let merging: Merging;

  beforeAll(async () => {
    visitor = await visit();
    page = visitor.page;
    merging = mergingIn(visitor);
  });
  afterAll(() => visitor?.close());

  async function openModel(folder: string): Promise<void> {
    visitor.picks(folder);
    await merging.press('Open folder: Model to take with you');
  }
  const section = () => page.locator('.export');
  const radio = (precision: RegExp) => section().getByRole('radio', { name: precision });

  test('a merged model is taken along: its size is told before, and the lines that load it after', async () => {
    const place = newPlace(visitor, 'taken');
    await visitor.open('#merge');
    await merging.openDemo();
    await merging.mergeTo(place, 'merged');
    await merging.press('Take it with you');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('step-export');
    await section().getByText('merged', { exact: true }).waitFor();
    await radio(/^int4, \d+ kB/).check();
    visitor.picks(place);
    await merging.press('Choose a place and write');
    await section().getByRole('heading', { name: 'Written' }).waitFor({ timeout: 30_000 });
    const told = await section().locator('.done').innerText();
    expect(told).toContain('taken/merged-onnx-int4');
    expect(told).toContain("pipeline('text-generation', './merged-onnx-int4', { dtype: 'q4' })");
    const answers = await answersOf(join(place, 'merged-onnx-int4'), filesIn(join(place, 'merged-onnx-int4')));
    expect(answers.every((answer) => answer.length > 10)).toBe(true);
    expect(visitor.troubles).toEqual([]);
  });

  test('cancelled it leaves nothing, and says so', async () => {
    const place = newPlace(visitor, 'cancelled');
    await visitor.open('#merge');
    await openModel(makeModels('30m').sft);
    await radio(/^float32/).check();
    await page.evaluate(cancelOnceWriting);
    visitor.picks(place);
    await merging.press('Choose a place and write');
    await section().getByText('Cancelled. Nothing of it was left behind.').waitFor();
    await expect.poll(() => existsSync(join(place, 'sft-onnx-f32')), { timeout: 20_000 }).toBe(false);
    expect(visitor.troubles).toEqual([]);
  });

  test('a folder that holds anything is not written into', async () => {
    const place = newPlace(visitor, 'taken-name');
    mkdirSync(join(place, 'mine'));
    writeFileSync(join(place, 'mine', 'notes.txt'), 'mine');
    await visitor.open('#merge');
    await openModel(join(DEMO, 'sft'));
    await page.getByLabel('Name of the ONNX folder').fill('mine');
    visitor.picks(place);
    await merging.press('Choose a place and write');
    await section().getByRole('alert').getByText('exists already').waitFor();
    expect(readdirSync(join(place, 'mine'))).toEqual(['notes.txt']);
  });

  test('a family that does not run here is refused by its name', async () => {
    const strange = newPlace(visitor, 'strange');
    const config = JSON.parse(readFileSync(join(DEMO, 'sft/config.json'), 'utf8'));
    writeFileSync(join(strange, 'config.json'), JSON.stringify({ ...config, model_type: 'mamba' }));
    writeFileSync(join(strange, 'model.safetensors'), readFileSync(join(DEMO, 'sft/model.safetensors')));
    await visitor.open('#merge');
    await openModel(strange);
    await section().getByRole('alert').getByText('“mamba”').or(section().getByText('"mamba"')).waitFor();
    expect(await section().getByRole('button', { name: 'Choose a place and write' }).count()).toBe(0);
  });

  test('where a browser cannot write into folders, the files are kept in it, to be downloaded', async () => {
    await visitor.open('#merge');
    await page.evaluate(() => Reflect.deleteProperty(window, 'showDirectoryPicker'));
    const files = readdirSync(join(DEMO, 'sft')).map((name) => join(DEMO, 'sft', name));
    await page.locator('.export input[type=file]').setInputFiles(files);
    await page.getByLabel('Name of the ONNX folder').fill('kept');
    await section().getByRole('button', { name: 'Write', exact: true }).click();
    await section().getByRole('heading', { name: 'Written' }).waitFor({ timeout: 30_000 });
    const stored = page.locator('.stored li').filter({ hasText: 'kept' });
    await stored.getByText('Files', { exact: true }).click();
    await stored.getByRole('link', { name: 'Download onnx/model_quantized.onnx_data' }).waitFor();
    await merging.press('Delete kept');
  });
});
