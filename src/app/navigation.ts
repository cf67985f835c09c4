/** Keeps the address and the state together, both ways. The address is replaced while a slider moves, so that "back" leaves the page's screens, not its steps. */

import { batch, effect } from '@preact/signals';
import { chooseG, choosePrompt, g, gChosen, hidden, livePrompts, OWN_PROMPT, promptId } from './learn-state.ts';
import { formatLink, type Link, parseLink } from './link.ts';
import { screen } from './state.ts';

function apply(link: Link): void {
  batch(() => {
    screen.value = link.screen;
    if (link.screen !== 'learn') return;
    hidden.value = new Set(link.hide);
    if (link.g !== undefined && link.g !== g.value) chooseG(link.g);
    if (link.prompt && link.prompt !== promptId.value) choosePrompt(link.prompt);
  });
}

/** Learn as it stands: also where the header leads, so that a worksheet keeps its hidden parts. */
export function learnLink(): Link {
  // The prompt that everybody sees first, and a typed one that a link cannot carry, are left out.
  const shared = promptId.value !== OWN_PROMPT && promptId.value !== livePrompts.value[0]?.id && promptId.value !== '';
  return {
    screen: 'learn',
    ...(gChosen.value && { g: g.value }),
    ...(shared && { prompt: promptId.value }),
    hide: [...hidden.value],
  };
}

/** What a person would copy to show somebody else what they see. */
export function currentLink(): Link {
  return screen.value === 'learn' ? learnLink() : { screen: screen.value, hide: [] };
}

/** To be called once. */
export function followAddress(): void {
  if (location.hash === '#drive') return;
  apply(parseLink(location.hash));
  addEventListener('hashchange', () => apply(parseLink(location.hash)));
  effect(() => {
    const hash = formatLink(currentLink());
    // A plain first visit keeps its plain address.
    if (hash !== (location.hash || '#learn')) history.replaceState(null, '', hash);
  });
}
