/**
 * An English sentence to clauses in plain form, the form in which phrases.ts is written. Rough on purpose: what it makes is only compared with
 * those phrases, never shown.
 */

import { FILLERS } from './phrases.ts';

type Rewrite = readonly [pattern: RegExp, replacement: string];

/** Straight apostrophes, no emphasis marks, contractions in full. */
const SPELLINGS: readonly Rewrite[] = [
  [/[’‘ʼ＇`´]/g, "'"],
  [/[*_]+/g, ''],
  [/\bcan't|\bcant\b|\bcan not\b/g, 'cannot'],
  [/\bwon't/g, 'will not'],
  [/n't\b/g, ' not'],
  [/'m\b/g, ' am'],
  [/'re\b/g, ' are'],
  [/'ll\b/g, ' will'],
  [/'d\b/g, ' would'],
  [/\blet's\b/g, 'let us'],
  [/\b(it|that|there|here|this|what)'s\b/g, '$1 is'],
  [/\bim\b/g, 'i am'],
];

const FILLER = String.raw`,? ?\b(${FILLERS.join('|')})\b,? ?`;

/** One voice, no fillers, and a comma wherever a new statement starts. */
const REWRITES: readonly Rewrite[] = [
  // "…, however, I": a filler between two statements, else within one
  [new RegExp(`${FILLER}(?=(i|it|that|this|my|your) )`, 'g'), ', '],
  [new RegExp(FILLER, 'g'), ' '],
  [/\b(we|this assistant|the assistant|this model|this ai)\b/g, 'i'],
  [/\bi are\b/g, 'i am'],
  [/\b(cannot|will not) (and|or) (will not|should not|must not|cannot|do not)\b/g, '$1'],
  // "I must clarify that", "it is important to note that": what follows is the statement
  [
    /\bi (must|have to|want to|need to|would like to) (clarify|emphasize|stress|point out|note|say|inform you|tell you|remind you)( that)? /g,
    ', ',
  ],
  [
    /\bit is (important|crucial|essential|worth)( to)? (note|noting|remember|understand|clarify|emphasize|stress)( that)? /g,
    ', ',
  ],
  // "I am sorry that I cannot", "as an AI I cannot", "I am an AI and do not"
  [
    /\b(sorry|afraid|apologi[sz]e|apologies|regret|inform you|say)( that| but)? (?=(i (cannot|will not|am)|(it|that|this) is not|no)\b)/g,
    '$1, ',
  ],
  [/\b(as an? [^,]{0,80}?) (?=i (cannot|will not|am|must|do not) )/g, '$1, '],
  [/\b(i am an? [^,]{0,80}?) and (?=(cannot|will not|do not|am) )/g, '$1, i '],
];

const BREAK =
  /[,;.!?…]+|\s[—–-]+\s|—|\s(?:but|and|because|as|although|though)\s+(?=(?:i|it|that|this|my|your|there)\s)/;

/** @param sentence of the opening, a few hundred characters at most */
export function clausesOf(sentence: string): string[] {
  return rewritten(rewritten(sentence.toLowerCase(), SPELLINGS), REWRITES)
    .split(BREAK)
    .map((clause) =>
      rewritten(clause, [
        [/\s+/g, ' '],
        [/^ ?((but|and|yet) )?/, ''],
      ]).trim(),
    )
    .filter((clause) => clause !== '');
}

function rewritten(text: string, rewrites: readonly Rewrite[]): string {
  return rewrites.reduce((current, [pattern, replacement]) => current.replace(pattern, replacement), text);
}
