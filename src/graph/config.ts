/**
 * Reading fields of a config.json that nobody vouches for: each reader gives a checked value or an AppError 'config-invalid' that
 * names the field. Which fields there are and what they mean is the affair of families/, sizes.ts and rope.ts.
 */

import { AppError } from '../core/errors.ts';
import { isJsonObject } from '../files/json.ts';

export type Config = Readonly<Record<string, unknown>>;

/** No real model comes near it; it keeps every product of two sizes exact and every loop over layers short. */
const LARGEST_SIZE = 2 ** 26;

/** Values of strangers may not fill a message. */
const SHOWN_LENGTH = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}...` : text;
}

export function invalidConfig(message: string, data: Record<string, unknown>): AppError {
  return new AppError(
    'config-invalid',
    message,
    'Check that config.json belongs to these weights: it must be the one saved with them.',
    data,
  );
}

export function unsupportedConfig(field: string, value: unknown, supported: readonly unknown[]): AppError {
  return new AppError(
    'config-unsupported',
    `This model sets ${field} to ${shown(value)}, which cannot be run here yet.`,
    supported.length === 0
      ? `Merging works all the same. To run it here, open the model without ${field}.`
      : `Merging works all the same. To run it here, ${field} must be ${supported.map((item) => JSON.stringify(item)).join(' or ')}.`,
    { field, value, supported },
  );
}

export function asConfig(value: unknown, field = 'config.json'): Config {
  if (isJsonObject(value)) return value;
  throw invalidConfig(`${field} is not a JSON object.`, { field });
}

/** JSON's null and an absent field mean the same: the default. */
function present(config: Config, field: string): unknown {
  const value = Object.hasOwn(config, field) ? config[field] : undefined;
  return value === null ? undefined : value;
}

/** A whole number from 1 to 2^26; without `otherwise` the field must be there. */
export function sizeField(config: Config, field: string, otherwise?: number): number {
  const value = present(config, field) ?? otherwise;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST_SIZE) return value;
  throw invalidConfig(
    value === undefined
      ? `config.json does not say ${field}.`
      : `config.json says ${field} is ${shown(value)}, not a size.`,
    { field, value },
  );
}

/** A finite number above 0; without `otherwise` the field must be there. */
export function positiveField(config: Config, field: string, otherwise?: number): number {
  const value = present(config, field) ?? otherwise;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw invalidConfig(
    value === undefined
      ? `config.json does not say ${field}.`
      : `config.json says ${field} is ${shown(value)}, not a positive number.`,
    { field, value },
  );
}

/** The same, or undefined where the field is absent or null. */
export function optionalPositive(config: Config, field: string): number | undefined {
  return present(config, field) === undefined ? undefined : positiveField(config, field);
}

/** A list of so many finite numbers above 0. */
export function numbersField(config: Config, field: string, length: number): number[] {
  const value = present(config, field);
  const sound = (item: unknown): item is number => typeof item === 'number' && Number.isFinite(item) && item > 0;
  if (Array.isArray(value) && value.length === length && value.every(sound)) return value;
  throw invalidConfig(`config.json must say ${field} as ${length} positive numbers, and says ${shown(value)}.`, {
    field,
    length,
  });
}

/** One word or number per block, or undefined where the field is absent. */
export function perBlock(config: Config, field: string, blocks: number): readonly unknown[] | undefined {
  const value = present(config, field);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.length >= blocks) return value;
  throw invalidConfig(`config.json must say ${field} for each of ${blocks} blocks, and says ${shown(value)}.`, {
    field,
    blocks,
  });
}

/** A window in tokens: absent means `otherwise`, null means none. */
export function windowField(config: Config, otherwise: number | undefined): number | undefined {
  if (Object.hasOwn(config, 'sliding_window') && config.sliding_window === null) return undefined;
  return present(config, 'sliding_window') === undefined ? otherwise : sizeField(config, 'sliding_window');
}

export function booleanField(config: Config, field: string, otherwise: boolean): boolean {
  const value = present(config, field) ?? otherwise;
  if (typeof value === 'boolean') return value;
  throw invalidConfig(`config.json says ${field} is ${shown(value)}, not true or false.`, { field, value });
}

/** One of the values this program reproduces, or the default; anything else is 'config-unsupported', by name. */
export function requireSupported(config: Config, field: string, supported: readonly unknown[]): void {
  const value = present(config, field);
  if (value !== undefined && !supported.includes(value)) throw unsupportedConfig(field, value, supported);
}

/** A nested object, or undefined. */
export function objectField(config: Config, field: string): Config | undefined {
  const value = present(config, field);
  return value === undefined ? undefined : asConfig(value, field);
}

/** The first of two spellings that is there. */
export function textField(config: Config, ...fields: string[]): string | undefined {
  for (const field of fields) {
    const value = present(config, field);
    if (typeof value === 'string') return value;
    if (value !== undefined)
      throw invalidConfig(`config.json says ${field} is ${shown(value)}, not a word.`, { field, value });
  }
  return undefined;
}
