/** Hostile JSON: values that parsers stumble over, trees with such values in place of their own, and texts that are almost JSON. */

import { mutate, type Random } from './outcome.ts';

/** One of a list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random(list.length)]!;
}

/** True once in `times`. */
export function once(random: Random, times: number): boolean {
  return random(times) === 0;
}

/** Names that mean something to a language, a file system or a parser. */
export const WILD_NAMES = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '0',
  '-1',
  '../model.safetensors',
  '/etc/passwd',
  'a/b.safetensors',
  'a\\b.safetensors',
  'con\u0000trol',
  '\ud800',
  'é～𝄞',
  '"',
  '\\',
  '{',
  'x'.repeat(300),
  'x'.repeat(1001),
  'x'.repeat(5000),
];

export const WILD_NUMBERS = [
  -1,
  0.5,
  1,
  2,
  255,
  65_536,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  1e21,
  1e308,
  5e-324,
  -(2 ** 53),
];

/** Texts of numbers that JSON.stringify would not write, valid and invalid. */
export const WILD_NUMBER_TEXTS = [
  '-0',
  '1e3',
  '1E0',
  '1e400',
  '-1e400',
  '4.0',
  '0x10',
  '010',
  '+1',
  '.5',
  'NaN',
  'Infinity',
  '9007199254740993',
  '9'.repeat(400),
];

/** Any JSON value, most often a small one. */
export function wildValue(random: Random, depth = 3): unknown {
  switch (random(depth > 0 ? 10 : 7)) {
    case 0:
      return null;
    case 1:
      return once(random, 2);
    case 2:
      return random(10);
    case 3:
      return pick(random, WILD_NUMBERS);
    case 4:
      return pick(random, WILD_NAMES);
    case 5:
      return pick(random, [[], {}]);
    case 6:
      return once(random, 8) ? nested(50 + random(300)) : String(random(10));
    case 7:
      return once(random, 8)
        ? new Array(100 + random(3000)).fill(1)
        : Array.from({ length: random(4) }, () => wildValue(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random(4) }, () => [pick(random, WILD_NAMES), wildValue(random, depth - 1)]),
      );
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

type Slot = { holder: Record<string, unknown>; key: string };

/** A copy with one to three of its values replaced, removed, moved or renamed. */
export function mutateTree<T>(original: T, random: Random): T {
  const tree = { value: structuredClone(original) as unknown };
  for (let i = random(3); i >= 0; i--) {
    const slots: Slot[] = [];
    collect(tree, slots);
    changeSlot(pick(random, slots), pick(random, slots), random);
  }
  return tree.value as T;
}

function collect(holder: object, slots: Slot[]): void {
  for (const [key, value] of Object.entries(holder)) {
    slots.push({ holder: holder as Record<string, unknown>, key });
    if (slots.length > 300) return; // a nest made by an earlier change
    if (typeof value === 'object' && value !== null) collect(value, slots);
  }
}

function changeSlot({ holder, key }: Slot, other: Slot, random: Random): void {
  const value = holder[key];
  switch (random(5)) {
    case 0:
      if (key !== 'value') delete holder[key];
      break;
    case 1:
      holder[key] = structuredClone(other.holder[other.key]);
      break;
    case 2:
      Object.defineProperty(holder, pick(random, WILD_NAMES), {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
      break;
    default:
      holder[key] = wildValue(random);
  }
}

const SIGNS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\\u0061',
  '\\ud800',
  ' ',
  '\n',
  '0',
  'e',
  '-',
  'null',
  '\ufeff',
  '\u0000',
];

/** As bytes; now and then with signs put in or out, or bytes changed. */
export function jsonBytes(value: unknown, random: Random): Uint8Array {
  const text = JSON.stringify(value) ?? '';
  const bytes = new TextEncoder().encode(once(random, 8) ? garble(text, random) : text);
  return once(random, 12) ? mutate(bytes, random) : bytes;
}

/** A sign put in, a stretch taken out, or a number written in another way. */
export function garble(text: string, random: Random): string {
  const at = random(text.length + 1);
  if (once(random, 3)) return text.slice(0, at) + pick(random, SIGNS) + text.slice(at);
  if (once(random, 2)) return text.slice(0, at) + text.slice(at + 1 + random(6));
  const numbers = [...text.matchAll(/(?<![\w.])\d+/g)];
  if (numbers.length === 0) return text.slice(0, at);
  const { index, 0: found } = pick(random, numbers);
  return text.slice(0, index) + pick(random, WILD_NUMBER_TEXTS) + text.slice(index + found.length);
}
