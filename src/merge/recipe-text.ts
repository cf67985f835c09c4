/** Recipes as YAML, for files and for people. The YAML library comes only when a text is read or written. */

import { invalidRecipe, parseRecipe, type Recipe } from './recipe.ts';

/** Characters. A recipe has a few lines; anything long is another file. */
const TEXT_LIMIT = 100_000;

/** @throws AppError 'recipe-invalid' with the line for text that is no YAML, naming the field for anything else */
export async function recipeFromYaml(text: string): Promise<Recipe> {
  if (text.length > TEXT_LIMIT)
    throw invalidRecipe('the text', `has ${text.length} characters; a recipe has less than ${TEXT_LIMIT}`);
  const { parse, YAMLParseError } = await import('yaml');
  let value: unknown;
  try {
    // Aliases can blow a few lines up to gigabytes, and a recipe has no use for them.
    value = parse(text, { maxAliasCount: 0, prettyErrors: true });
  } catch (error) {
    if (error instanceof YAMLParseError)
      throw invalidRecipe('the text', `is not YAML (line ${error.linePos?.[0].line ?? '?'}: ${error.code})`);
    if (error instanceof ReferenceError) throw invalidRecipe('the text', 'uses aliases, which recipes do not have');
    throw error;
  }
  return parseRecipe(value);
}

export async function recipeToYaml(recipe: Recipe): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(recipe);
}
