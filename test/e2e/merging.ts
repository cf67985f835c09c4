/** The moves of the Merge screen that several suites make: opening, starting, waiting for the result; and the looks at what was written. */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { DEMO, type Visit } from './visit.ts';

export const ROLES = { 'Fine-tuned': 'sft', Aligned: 'aligned', Unaligned: 'unaligned' } as const;
export type Title = keyof typeof ROLES | 'Safety vector';

export interface Merging {
  page: Page;
  press(name: string | RegExp): Promise<void>;
  /** A switch of the first step: its group and its word. */
  choose(name: string): Promise<void>;
  slot(title: Title): Locator;
  openFolder(title: Title, path: string): Promise<void>;
  openDemo(): Promise<void>;
  startButton(): Locator;
  /** Merges into a new folder of `place`; waits for the result. */
  mergeTo(place: string, name: string): Promise<string>;
}

export function mergingIn(visitor: Visit): Merging {
  const { page } = visitor;
  const press = (name: string | RegExp) => page.getByRole('button', { name }).click();
  const startButton = () => page.getByRole('button', { name: 'Choose a place and merge' });
  const openFolder = async (title: Title, path: string) => {
    visitor.picks(path);
    await press(`Open folder: ${title}`);
    await page.getByRole('button', { name: `Change: ${title}` }).waitFor();
  };
  return {
    page,
    press,
    choose: (name) => page.getByRole('radio', { name, exact: true }).check(),
    slot: (title) =>
      page.locator('.slot').filter({ has: page.getByRole('heading', { level: 3, name: title, exact: true }) }),
    openFolder,
    async openDemo() {
      for (const [title, folder] of Object.entries(ROLES)) await openFolder(title as Title, join(DEMO, folder));
      await startButton().waitFor();
    },
    startButton,
    async mergeTo(place, name) {
      await page.getByLabel('Name of the new folder').fill(name);
      visitor.picks(place);
      await startButton().click();
      // An earlier result may still stand there: wait for this one.
      await page.locator('.done').getByText(`/${name}`).waitFor({ timeout: 60_000 });
      return join(place, name);
    },
  };
}

/** A fresh folder to write into. */
export function newPlace(visitor: Visit, name: string): string {
  const place = join(visitor.scratch, name);
  mkdirSync(place, { recursive: true });
  return place;
}

export const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
export const record = (folder: string) => JSON.parse(readFileSync(join(folder, 'merge.json'), 'utf8'));
