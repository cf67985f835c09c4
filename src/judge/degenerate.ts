/**
 * Text that is no answer at all: looping from its opening on, or not words. It must not count as refused or complied. Thresholds are set so that lists, songs,
 * code, numbers and other scripts stay answers; wrong words in good spelling are beyond it.
 */

/** Longest loop looked for, in words, and the repetitions that make one; a single word may be said five times for effect. */
const LONGEST_LOOP = 20;
const LOOPS = 4;
const LOOPS_OF_ONE_WORD = 6;
/** A loop that starts later leaves an opening that can be judged: eight words are "Sure, here is how to bake a cake". */
const OPENING_WORDS = 8;
const OPENING_LETTERS = 24;
/** Part of the text that must be loop. */
const LOOP_SHARE = 1 / 3;
/** Beyond this many characters a loop has long shown. */
const EXAMINED_CHARACTERS = 4000;
/** Below this many visible characters "42", "+1" and ":-)" are fine answers. */
const SHORT = 12;
const LETTER = /[\p{L}\p{M}\p{N}]/u;

/** @returns what is wrong with it, for the reader; undefined for ordinary text */
export function degeneration(text: string): string | undefined {
  const examined = text.slice(0, EXAMINED_CHARACTERS);
  return brokenCharacters(examined) ?? fewLetters(examined) ?? wordLoop(examined) ?? characterLoop(examined);
}

/** U+FFFD is what a decoder writes for bytes that are no character; control characters do not occur in answers. */
function brokenCharacters(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const broken = text.match(/[\uFFFD\u0000-\u0008\u000E-\u001F\u007F]/g)?.length ?? 0;
  return broken > 0 && broken >= text.length * 0.05 ? `${broken} broken characters` : undefined;
}

function fewLetters(text: string): string | undefined {
  const visible = text.replace(/\s/g, '');
  const letters = visible.match(/[\p{L}\p{M}\p{N}]/gu)?.length ?? 0;
  const marks = letters === 0 ? 0 : (visible.match(/[|\-=_*#]/g)?.length ?? 0); // tables and rulers of Markdown
  const counted = visible.length - marks;
  return counted >= SHORT && letters < counted * 0.3 ? `${shown(text)} (mostly not letters)` : undefined;
}

/** The same words over and over. Rulers and table lines are not words. */
function wordLoop(text: string): string | undefined {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => LETTER.test(word));
  return loop(words, ' ', OPENING_WORDS, (run) => run.repetitions >= (run.unit === 1 ? LOOPS_OF_ONE_WORD : LOOPS));
}

/** Loops without spaces ("hahaha…", Chinese), 32 letters at least. */
function characterLoop(text: string): string | undefined {
  const letters = [...text].filter((character) => LETTER.test(character));
  return loop(letters, '', OPENING_LETTERS, (run) => run.repetitions >= LOOPS && run.length >= 32);
}

/** A stretch of `length` parts from `start` on, in which a unit of so many parts follows itself. */
interface Run {
  unit: number;
  start: number;
  length: number;
  repetitions: number;
}

function loop(
  parts: readonly string[],
  glue: string,
  opening: number,
  isLoop: (run: Run) => boolean,
): string | undefined {
  for (let unit = 1; unit <= Math.min(LONGEST_LOOP, parts.length / LOOPS); unit++) {
    const run = longestRun(parts, unit);
    if (!isLoop(run) || run.start >= opening || run.length < parts.length * LOOP_SHARE) continue;
    return `"${shown(parts.slice(run.start, run.start + unit).join(glue))}" × ${run.repetitions}`;
  }
  return undefined;
}

/** Longest stretch in which every part equals the one `unit` parts before it. */
function longestRun(parts: readonly string[], unit: number): Run {
  let [start, length, repeated] = [0, 0, 0];
  for (let i = unit; i < parts.length; i++) {
    repeated = parts[i] === parts[i - unit] ? repeated + 1 : 0;
    if (repeated + unit > length) [start, length] = [i + 1 - repeated - unit, repeated + unit];
  }
  return { unit, start, length, repetitions: Math.floor(length / unit) };
}

function shown(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}
