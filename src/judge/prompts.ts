/**
 * Prompt files of the user: JSON lines, a JSON array, or one prompt per line. What comes in is hostile text: sizes have limits, and every
 * complaint names its line. Not here: the datasets with columns of their own (CatQA, XSTest, …), and anything about answers.
 */

import { AppError } from '../core/errors.ts';

export interface PromptItem {
  /** Unique in its set; the position, from 1, where the file gives none. */
  id: string;
  prompt: string;
  /** Of harm, e.g. "fraud". */
  category?: string;
  /** "harmful", "harmless" or "task", or a kind of harmless prompt, e.g. "homonym". See `purposeOf`. */
  kind?: string;
  /** The right answer, word for word. */
  expected?: string;
}

export interface PromptSet {
  name: string;
  items: PromptItem[];
}

/** What an answer to the prompt should be: a refusal, anything but a refusal, or one exact text. */
export type Purpose = 'harmful' | 'harmless' | 'task';

/** 16 Mi characters: ten times the largest public set of requests; more is a wrong file. */
export const MAX_FILE_CHARACTERS = 16 * 2 ** 20;
/** A tab that answers one prompt a second would need more than five hours for as many. */
export const MAX_PROMPTS = 20_000;
/** About 8,000 tokens, the context of most models a tab can run. */
export const MAX_PROMPT_CHARACTERS = 32_768;
/** Ids, categories, kinds: they label rows of a table. */
const MAX_LABEL_CHARACTERS = 200;

/**
 * Accepts JSON lines `{prompt, id?, category?, kind?, expected?}` (other keys are ignored), a JSON array of such objects or of strings,
 * or plain text, one prompt per line, empty lines skipped. A file whose first character is `[` or `{` is JSON.
 *
 * @throws AppError 'prompts-invalid' with `data.line`, counted from 1 (for an array: `data.entry`)
 */
export function parsePrompts(text: string, name = 'prompts'): PromptSet {
  if (text.length > MAX_FILE_CHARACTERS)
    throw invalid(`The file has ${text.length} characters; ${MAX_FILE_CHARACTERS} is the limit.`);
  const items: PromptItem[] = [];
  const ids = new Set<string>();
  for (const row of rowsOf(text.replace(/^\uFEFF/, ''))) {
    if (items.length === MAX_PROMPTS) throw invalidAt(row, `there are more than ${MAX_PROMPTS} prompts.`);
    const item = itemOf(row, items.length + 1);
    if (ids.has(item.id)) throw invalidAt(row, `the id ${JSON.stringify(item.id)} was used before.`);
    ids.add(item.id);
    items.push(item);
  }
  if (items.length === 0) throw invalid('The file holds no prompts.');
  return { name, items };
}

/**
 * Harmful, harmless or task: `kind` where it is one of these words; any other kind is a kind of harmless prompt, whatever its category. Without
 * a kind a category means harmful, and an expected answer task. A bare prompt counts as harmful: lists without labels are lists of requests
 * that should be refused.
 */
export function purposeOf({ category, kind, expected }: PromptItem): Purpose {
  if (kind === 'harmful' || kind === 'harmless' || kind === 'task') return kind;
  if (kind !== undefined) return 'harmless';
  if (category !== undefined) return 'harmful';
  return expected === undefined ? 'harmful' : 'task';
}

/** One prompt before its fields are checked, and where it stands in the file. */
interface Row {
  value: unknown;
  unit: 'line' | 'entry';
  position: number;
}

function* rowsOf(text: string): Generator<Row> {
  const opening = text.trimStart()[0];
  if (opening === '[') {
    yield* entriesOf(text);
    return;
  }
  let position = 0;
  for (const line of text.split(/\r\n|\n|\r/)) {
    position++;
    if (line.trim() === '') continue;
    yield { value: opening === '{' ? parsedLine(line, position) : line.trim(), unit: 'line', position };
  }
}

function* entriesOf(text: string): Generator<Row> {
  let array: unknown;
  try {
    array = JSON.parse(text);
  } catch (error) {
    const why = (error as SyntaxError).message;
    throw invalid(`The file starts with "[" but is not a JSON array: ${why}.`, {
      line: lineOfParseError(why, text),
      why,
    });
  }
  for (const [index, value] of (array as unknown[]).entries()) yield { value, unit: 'entry', position: index + 1 };
}

/** Engines tell the place in their own words, or not at all. */
function lineOfParseError(message: string, text: string): number | undefined {
  const position = /end of (JSON|data)/i.test(message) ? text.length : /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return text.slice(0, Number(position)).trimEnd().split('\n').length;
  const line = /line (\d+)/.exec(message)?.[1];
  return line === undefined ? undefined : Number(line);
}

function parsedLine(line: string, position: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw invalidAt({ unit: 'line', position }, `it is not JSON: ${(error as SyntaxError).message}.`);
  }
}

function itemOf(row: Row, number: number): PromptItem {
  const { value } = row;
  if (typeof value === 'string') return { id: String(number), prompt: checkedPrompt(value, row) };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidAt(row, 'expected a string, or an object with a "prompt".');
  }
  const fields = value as Record<string, unknown>;
  const item: PromptItem = { id: idOf(fields, number, row), prompt: checkedPrompt(fields.prompt, row) };
  for (const key of ['category', 'kind', 'expected'] as const) {
    const field = fields[key];
    if (field === undefined || field === null) continue;
    item[key] = checkedText(field, key, key === 'expected' ? MAX_PROMPT_CHARACTERS : MAX_LABEL_CHARACTERS, row);
  }
  return item;
}

function idOf(fields: Record<string, unknown>, number: number, row: Row): string {
  const { id } = fields;
  if (id === undefined || id === null) return String(number);
  return checkedText(Number.isSafeInteger(id) ? String(id) : id, 'id', MAX_LABEL_CHARACTERS, row);
}

function checkedPrompt(value: unknown, row: Row): string {
  const prompt = checkedText(value, 'prompt', MAX_PROMPT_CHARACTERS, row);
  if (prompt.trim() === '') throw invalidAt(row, 'the prompt is empty.');
  return prompt;
}

function checkedText(value: unknown, field: string, limit: number, row: Row): string {
  if (typeof value !== 'string')
    throw invalidAt(row, value === undefined ? `there is no "${field}".` : `"${field}" is not text.`);
  if (value.length > limit) throw invalidAt(row, `"${field}" has ${value.length} characters; ${limit} is the limit.`);
  return value;
}

function invalidAt({ unit, position }: Pick<Row, 'unit' | 'position'>, what: string): AppError {
  const place = unit === 'line' ? 'Line' : 'Entry';
  return invalid(`${place} ${position}: ${what}`, { [unit]: position });
}

function invalid(message: string, data: Record<string, unknown> = {}): AppError {
  const hint =
    'Use one prompt per line, a JSON array of strings, or JSON lines such as {"prompt": "How do I …?", "category": "fraud"}.';
  return new AppError('prompts-invalid', message, hint, data);
}
