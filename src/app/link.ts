/**
 * The address is the state a teacher hands out: "#learn&g=0.6&prompt=harmful-003&hide=table,chart". Pure functions both ways, and the
 * two effects that keep the address and the signals together. Unknown keys and bad values are ignored: an old link still opens.
 */

import { SCREENS, type Screen } from './state.ts';

/** Parts of Learn that a link can hide, for a worksheet. */
export const PARTS = ['picture', 'answers', 'verdicts', 'chart', 'table', 'cards'] as const;
export type Part = (typeof PARTS)[number];

export interface Link {
  screen: Screen;
  g?: number;
  /** Id of a built-in prompt. */
  prompt?: string;
  hide: Part[];
}

/** The slider's range: the paper's sweet spot is near 1, harm to the task starts near 2 (arXiv 2402.11746, g sweep). */
export const G_MAX = 2;
export const G_STEP = 0.05;

/** The nearest step of the slider, inside its range, without the noise of 0.05 in binary. */
export function snapG(g: number): number {
  const steps = Math.round(Math.min(G_MAX, Math.max(0, g)) / G_STEP);
  return Number((steps * G_STEP).toFixed(2));
}

export function parseLink(hash: string): Link {
  const [first = '', ...pairs] = hash.replace(/^#\/?/, '').split('&');
  const screen = SCREENS.find((name) => name === first) ?? 'learn';
  const values = new URLSearchParams(pairs.join('&'));
  const link: Link = { screen, hide: PARTS.filter((part) => (values.get('hide') ?? '').split(',').includes(part)) };
  const g = Number(values.get('g') || Number.NaN);
  if (Number.isFinite(g)) link.g = snapG(g);
  const prompt = values.get('prompt');
  if (prompt && /^[\w-]{1,64}$/.test(prompt)) link.prompt = prompt;
  return link;
}

export function formatLink(link: Link): string {
  const pairs: string[] = [link.screen];
  if (link.g !== undefined) pairs.push(`g=${link.g}`);
  if (link.prompt) pairs.push(`prompt=${link.prompt}`);
  if (link.hide.length > 0) pairs.push(`hide=${link.hide.join(',')}`);
  return `#${pairs.join('&')}`;
}
