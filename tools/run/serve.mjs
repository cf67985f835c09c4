/** Serves the built page on localhost with the headers of vite.config.ts. */

import { preview } from 'vite';
import { ROOT } from './prepare.mjs';

/** @returns {Promise<{url: string, close: () => Promise<void>}>} */
export async function servePage({ port = 0 } = {}) {
  const server = await preview({
    root: ROOT,
    configFile: `${ROOT}vite.config.ts`,
    logLevel: 'error',
    preview: { host: '127.0.0.1', port, strictPort: false, open: false },
  });
  const address = server.httpServer.address();
  return {
    url: `http://localhost:${address.port}/`,
    close: () => server.close(),
  };
}
