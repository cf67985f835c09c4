/** A blank page of the dev server in a real Chromium: tests and benchmarks import the project's own modules into it. */

import { createServer } from 'vite';
import { launch } from './browser.mjs';

/** @returns a Vite server that compiles a module when it is first asked for */
export async function startDevServer() {
  const server = await createServer({
    // Nothing may reload the page in the middle of a run: no file watching, no dependencies found (and bundled) on the way.
    server: { port: 0, host: '127.0.0.1', hmr: false, watch: null },
    optimizeDeps: { noDiscovery: true },
    logLevel: 'error',
    appType: 'mpa',
  });
  await server.listen();
  return server;
}

/** @param given a server that is shared with other pages, and stays when this one closes */
export async function openDevPage(given = undefined) {
  const server = given ?? (await startDevServer());
  const url = String(server.resolvedUrls.local[0]);
  const browser = await launch();
  await browser.page.goto(`${url}test/browser/blank.html`);
  return {
    page: browser.page,
    url,
    requests: browser.requests,
    profile: browser.profile,
    /** Answers the page's next pickers, as `openPage` does. */
    pick: (...paths) => browser.picks.push(...paths),
    /**
     * Imports a module of the project into the page; a string, because the test runner rewrites import() in functions.
     * @param {string} path
     */
    load: (path) => browser.page.evaluate(`import(${JSON.stringify(path)}).then(() => undefined)`),
    close: async () => {
      await browser.close();
      if (!given) await server.close();
    },
  };
}
