/** How a tokenizer is used, as transformers.js wants to be told: by tokenizer_config.json alone, with special tokens as texts. */

import { isJsonObject, type JsonObject } from './json.ts';

/**
 * @param written tokenizer_config.json @param map special_tokens_map.json, which transformers no longer writes; the config counts more
 */
export function joinTokenizerConfig(written: JsonObject | undefined, map: JsonObject | undefined): JsonObject {
  return tokensAsTexts({ ...map, ...written });
}

/** transformers.js takes a token as a text, or as an object with a __type; files in use, the map above all, have objects without. */
function tokensAsTexts(config: JsonObject): JsonObject {
  const asText = (name: string, value: unknown): unknown =>
    name.endsWith('_token') && isJsonObject(value) ? (typeof value.content === 'string' ? value.content : null) : value;
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, asText(name, value)]));
}
