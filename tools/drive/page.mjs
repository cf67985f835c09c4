/** The built page, running in a headless Chromium, with a handle on its drive functions (src/app/drive.ts). */

import { buildIfStale } from '../run/build.mjs';

/** A running page: `pick` queues what the next folder picker gives, `call` runs one function of the page's drive API. */
export async function openPage() {
  await buildIfStale();
  // Packages may have been installed by the line above: these two need them.
  const { servePage } = await import('../run/serve.mjs');
  const { launch } = await import('./browser.mjs');
  const server = await servePage();
  const browser = await launch();
  const close = async () => {
    await browser.close();
    await server.close();
  };
  try {
    await browser.page.goto(`${server.url}#drive`);
    await browser.page.waitForFunction(() => 'restaDrive' in window, undefined, { timeout: 30_000 });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    page: browser.page,
    profile: browser.profile,
    origin: new URL(server.url).origin,
    requests: browser.requests,
    pick: (...paths) => browser.picks.push(...paths),
    /** Errors come back as values, because a page's error loses its fields on the way to Node. */
    call: async (name, argument) => {
      const outcome = await browser.page.evaluate(
        ([name, argument]) => window.restaDrive.call(name, argument),
        [name, argument ?? {}],
      );
      if (outcome.error) throw new PageError(outcome.error);
      return outcome.value;
    },
    close,
  };
}

/** What the page reported: the same message and hint a person would read. */
class PageError extends Error {
  constructor({ code, message, hint }) {
    super([code ? `${code}:` : '', message, hint].filter(Boolean).join(' '));
  }
}
