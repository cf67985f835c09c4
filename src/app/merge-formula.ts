/** The formula of a merge in a person's own names: the method's row, with what the recipe and the inputs make of it. Pure. */

import type { Recipe, Role } from '../merge/recipe/recipe.ts';

/** A row's formula with the person's own names in place of the roles, and numbers in place of g and p where they are given. */
export function writtenFormula(
  formula: string,
  names: Readonly<Partial<Record<Role, string>>>,
  values: Partial<Pick<Recipe, 'g' | 'p'>>,
): string {
  return formula
    .replace(/\b(sft|aligned|unaligned|vector)\b/g, (role) => names[role as Role] ?? role)
    .replace(/\b([gp])\b(?=\s*[×)])/g, (letter) => String(values[letter as 'g' | 'p'] ?? letter));
}

const DIFFERENCE = 'aligned − unaligned';

/** What is computed: only the difference when a vector is written, and a saved vector in its place when there is one. */
export function formulaFor(formula: string, { output }: Pick<Recipe, 'output'>, saved: boolean): string {
  if (output === 'vector') return DIFFERENCE;
  return saved ? formula.replaceAll(`(${DIFFERENCE})`, 'vector') : formula;
}
