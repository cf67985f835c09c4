/** JSON lines: one object a line, for programs. The same answers as csv.ts, unchanged. */

import { type AnswerRow, answerFields } from './answers.ts';

/** Any JSON values; NaN becomes null. U+2028 and U+2029 are escaped: some readers take them for line ends. */
export function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value).replace(/[\u2028\u2029]/g, escaped)}\n`).join('');
}

export function answersJsonl(answers: readonly AnswerRow[]): string {
  const fields = answerFields(answers);
  return jsonLines(answers.map((answer) => Object.fromEntries(fields.map((field) => [field, answer[field]]))));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`;
}
