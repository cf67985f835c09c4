/**
 * The one door of this room to the workers. The client (and with it comlink) is fetched at the first interaction, not with the page.
 */

import type { ModelHost } from '../../workers/client.ts';

export type { ModelHost } from '../../workers/client.ts';

export const client = () => import('../../workers/client.ts');

let host: ModelHost | undefined;

/** The page's one place for models: Learn and Compare share it, since a second copy of the runtime would cost its memory again. */
export async function modelHost(): Promise<ModelHost> {
  if (!host) host = (await client()).openModelHost();
  return host;
}

/** Addresses of what the workers fetched. */
export async function workerRequests(): Promise<string[]> {
  return (await client()).workerRequests();
}
