/** Where a merge writes: full disks, permissions that are taken back, and the browser's own storage. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  expectUnfinished,
  failure,
  filesIn,
  type Lab,
  openLab,
  resumeOnly,
  succeed,
  type Tab,
  undisturbed,
  unfinished,
} from './disaster.ts';

let lab: Lab;
let calm: Record<string, string>;

beforeAll(async () => {
  lab = await openLab();
  calm = await undisturbed(lab);
});

afterAll(() => lab?.close());

/** A file system of its own in memory, where the machine lets us. */
function mount(folder: string, options: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a disk that is full says so, keeps the finished shard, and goes on when there is room', async (context) => {
  const place = lab.place();
  // One shard of 14 MB fits, a second one does not.
  if (!mount(place, 'size=24m')) return context.skip('this machine mounts no tmpfs; the quota below is the same path');
  try {
    const tab = await lab.tab();
    expect(failure(await tab.merge('out', { place })).code).toBe('disk-full');
    expectUnfinished(join(place, 'out'));
    expect(mount(place, 'remount,size=100m')).toBe(true);
    await resumeOnly(tab);
    expect(filesIn(join(place, 'out'))).toEqual(calm);
  } finally {
    execFileSync('umount', [place]);
  }
});

/** What a person does on the browser's own settings page. */
async function settings(tab: Tab, write: 'allow' | 'block', withdrawn?: string): Promise<void> {
  const page = await tab.page.context().newPage();
  await page.goto('chrome://settings/content/filesystem');
  await page.evaluate(
    ([write, origin, folder]) => {
      const { send } = (window as unknown as { chrome: { send(message: string, values: unknown[]): void } }).chrome;
      send('setDefaultValueForContentType', ['file-system-write', write]);
      if (folder === undefined) return;
      send('revokeFileSystemGrants', [origin]);
      send('revokeFileSystemGrant', [origin, folder]);
    },
    [write, lab.url, withdrawn] as const,
  );
  await page.close();
}

test('a permission that is withdrawn stops the merge; given again, it goes on', async () => {
  const place = lab.place();
  const tab = await lab.tab();
  const merging = tab.merge('out', { place });
  await tab.pauseAt({ shard: 2, phase: 'merging' });
  await settings(tab, 'block', place);
  await tab.call('goOn');
  expect(failure(await merging).code).toMatch(/^(folder-unwritable|file-unreadable)$/);
  expectUnfinished(join(place, 'out'));
  const [run] = await unfinished(tab);
  expect(failure(await tab.call('resume', { id: run!.id })).code).toMatch(/^(folder-unwritable|file-unreadable)$/);
  expectUnfinished(join(place, 'out'));
  await settings(tab, 'allow');
  await resumeOnly(tab);
  expect(filesIn(join(place, 'out'))).toEqual(calm);
});

describe("the browser's own storage", () => {
  interface StoredFile {
    path: string;
    sha256: string;
  }
  const stored = async (tab: Tab, name: string) =>
    Object.fromEntries(
      (succeed(await tab.call('storedFiles', { name })) as StoredFile[]).map(({ path, sha256 }) => [path, sha256]),
    );

  test('takes a merge, survives the end of the browser in its middle, and gives the same bytes', async () => {
    const tab = await lab.tab();
    void tab.merge('kept');
    await tab.pauseAt({ shard: 2, phase: 'merging' });
    await lab.kill('browser');
    const again = await lab.tab();
    expect(succeed(await again.call('stored'))).toMatchObject([{ name: 'kept', unfinished: true }]);
    await resumeOnly(again);
    expect(succeed(await again.call('stored'))).toMatchObject([{ name: 'kept', unfinished: false }]);
    expect(await stored(again, 'kept')).toEqual(calm);
    succeed(await again.call('deleteStored', { name: 'kept' }));
    expect(succeed(await again.call('stored'))).toEqual([]);
  });

  test('stops when its quota ends in the middle, and goes on when there is room', async () => {
    const tab = await lab.tab();
    const session = await tab.page.context().newCDPSession(tab.page);
    const origin = new URL(lab.url).origin;
    const quota = (quotaSize?: number) =>
      session.send('Storage.overrideQuotaForOrigin', quotaSize === undefined ? { origin } : { origin, quotaSize });

    const merging = tab.merge('small');
    await tab.pauseAt({ shard: 2, phase: 'merging' });
    await quota(20e6);
    await tab.call('goOn');
    expect(failure(await merging).code).toBe('disk-full');
    await quota();
    await resumeOnly(tab);
    expect(await stored(tab, 'small')).toEqual(calm);
    succeed(await tab.call('deleteStored', { name: 'small' }));
  });
});
