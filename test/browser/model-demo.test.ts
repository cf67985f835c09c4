/** The built-in family through the page's worker, against the answers that PyTorch gave to the same held-out prompts. */

import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDevPage } from '../../tools/drive/dev-page.mjs';

/** What the project promises: numbers differ in their last bits, so a near tie may go the other way now and then. */
const EQUAL_SHARE = 0.98;

const KINDS = ['harmful', 'harmless', 'task'] as const;
type ByKind = Record<(typeof KINDS)[number], string[]>;

const reference = new URL('../../tools/demo-models/reference/answers.json', import.meta.url);
const { models }: { models: Record<string, ByKind> } = existsSync(reference)
  ? JSON.parse(readFileSync(reference, 'utf8'))
  : { models: {} };

let dev: Awaited<ReturnType<typeof openDevPage>>;
beforeAll(async () => {
  dev = await openDevPage();
  await dev.load('/test/browser/model-demo-page.ts');
});
afterAll(() => dev?.close());

describe('the built-in family', () => {
  test.skipIf(Object.keys(models).length === 0).each(Object.keys(models))(
    '%s answers in the browser as in PyTorch',
    async (name) => {
      const result = await dev.page.evaluate((name) => window.answerAll(name), name);
      const pairs = KINDS.flatMap((kind) => models[name]![kind].map((text, i) => [result.answers[kind]![i], text]));
      const equal = pairs.filter(([found, expected]) => found === expected).length;
      console.log(
        `${name}: ${equal} of ${pairs.length} answers equal PyTorch's; loaded in ${result.loadSeconds.toFixed(2)} s, answered in ${result.seconds.toFixed(1)} s, ${Math.round(result.tokensPerSecond)} tokens/s`,
      );
      expect(equal).toBeGreaterThanOrEqual(EQUAL_SHARE * pairs.length);
    },
  );
});
