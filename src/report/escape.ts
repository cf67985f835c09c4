/** Foreign text (folder names, prompts) inside Markdown and YAML. It stays text there: no links, tags, tables or keys of its own. */

/** Names are labels in a card; longer ones are a mistake or an attack. */
const LONGEST_NAME = 200;

/** Control characters, line ends, bidirectional overrides and other characters without a shape of their own, as one space. */
function flattened(text: string): string {
  const flat = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return flat.length <= LONGEST_NAME ? flat : `${flat.slice(0, LONGEST_NAME)}…`;
}

/**
 * A Markdown code span, in which nothing but its own end has a meaning (CommonMark 0.31, 6.1): fenced by more backticks than the text has in
 * a row.
 */
export function codeSpan(text: string): string {
  const flat = flattened(text) || ' ';
  const longest = Math.max(0, ...(flat.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const padding = longest > 0 ? ' ' : '';
  return `${fence}${padding}${flat}${padding}${fence}`;
}

/** The same in a cell of a table of GitHub's dialect, where `|` ends the cell even in code. */
export function codeCell(text: string): string {
  return codeSpan(text).replaceAll('|', '\\|');
}

/** A YAML 1.2 double-quoted scalar on one line; JSON strings are such. */
export function yamlString(text: string): string {
  return JSON.stringify(flattened(text));
}

/**
 * The form of a Hugging Face repository id, "owner/name": only such names may stand where the Hub makes links of them. A name alone is
 * a folder's, and a link made of it would point at somebody else's model.
 */
export function isRepositoryId(name: string): boolean {
  const part = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?';
  return new RegExp(`^${part}/${part}$`).test(name) && !/--|\.\./.test(name);
}
