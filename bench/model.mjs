/**
 * `npm run bench model [--part a,b]`: models that run in the page. `speed`: one of 135 million weights, beside PyTorch and wllama; `demo`: the
 * built-in fine-tune, one answer and many; `strength`: another strength of it.
 */

import { benchDemo } from './model-demo.mjs';
import { benchSpeed } from './model-speed.mjs';
import { benchStrength } from './model-strength.mjs';

const PARTS = { speed: benchSpeed, demo: benchDemo, strength: benchStrength };

export async function benchModel({ parts = Object.keys(PARTS), ...options } = {}) {
  const unknown = parts.find((name) => !(name in PARTS));
  if (unknown) throw new Error(`There is no part "${unknown}": choose ${Object.keys(PARTS).join(', ')}.`);
  for (const name of parts) await PARTS[name](options);
}
