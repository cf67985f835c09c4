/** Tables for spreadsheets: RFC 4180, and nothing a spreadsheet would run. Text is changed for that; jsonl.ts is the form without loss. */

import { type AnswerRow, answerFields } from './answers.ts';

export type Cell = string | number | boolean | undefined;

/** Rows end with CRLF, as RFC 4180 has them; undefined is an empty cell. */
export function csv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

export function answersCsv(answers: readonly AnswerRow[]): string {
  const fields = answerFields(answers);
  return csv(
    fields,
    answers.map((answer) => fields.map((field) => answer[field])),
  );
}

function cell(value: Cell): string {
  const text = typeof value === 'string' ? disarmed(value) : String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** https://owasp.org/www-community/attacks/CSV_Injection: a leading apostrophe keeps "=…" and its like text; spaces before it do not. */
function disarmed(text: string): string {
  return /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) ? `'${text}` : text;
}
