/** The small files beside the weights, which a folder may lack. Their sizes are limited: such files are hostile until read. */

import { AppError } from '../core/errors.ts';
import type { Folder } from '../files/folder.ts';
import { decodeUtf8, type JsonObject, readJsonObject } from '../files/json.ts';

/** The largest tokenizer.json in use (a vocabulary of 262,144) has 34 MB. */
const LARGEST_JSON = 2 ** 27;
/** Chat templates have some ten kilobytes at most. */
const LARGEST_TEMPLATE = 2 ** 20;

/** undefined when the folder has no such file. Rejects with AppError 'json-invalid'. */
export function readOptionalJson(folder: Folder, path: string): Promise<JsonObject | undefined> {
  return ifPresent(readJsonObject(folder, path, LARGEST_JSON));
}

/** undefined when the folder has no such file. Rejects with AppError 'file-unreadable' for one that is no text of a template's size. */
export async function readOptionalTemplate(folder: Folder, path: string): Promise<string | undefined> {
  const source = await ifPresent(folder.open(path));
  if (source === undefined) return undefined;
  const unreadable = (why: string): AppError =>
    new AppError('file-unreadable', `${path} cannot be read: ${why}.`, 'Check what this file is.', { file: path });
  if (source.size > LARGEST_TEMPLATE) throw unreadable(`it has ${source.size} bytes`);
  const bytes = await source.slice(0, source.size);
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
}

async function ifPresent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AppError && error.code === 'file-missing') return undefined;
    throw error;
  }
}
