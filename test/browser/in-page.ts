/** A test module in a blank page of a real Chromium, and its functions called from Node by name. */

import { openDevPage } from '../../tools/drive/dev-page.mjs';

/** @param path of the module, from the root of the project; it puts its functions on `window` */
export async function openTestPage(path: string) {
  const dev = await openDevPage();
  await dev.load(path);
  return {
    ...dev,
    // biome-ignore lint/suspicious/noExplicitAny: results cross from the page as plain data; each test knows its shape
    inPage: (name: string, ...args: unknown[]): Promise<any> =>
      dev.page.evaluate(
        ([name, args]) => (window as never as Record<string, (...args: unknown[]) => unknown>)[name]!(...args),
        [name, args] as const,
      ),
  };
}
