/** From a number to a colour of the stylesheet: one hue for lengths, two around zero for cosines. Pure. */

export interface ColourScale {
  /** Numbers at its ends. */
  low: number;
  high: number;
  /** A CSS colour, mixed by the browser so that it follows the theme. */
  colour(value: number): string;
  /** Of text on that colour. */
  ink(value: number): string;
}

/** Text turns over where both inks are about as readable. */
const TURN = 0.55;

/** Lengths from 0; `largest` may be 0. */
export function lengthScale(largest: number): ColourScale {
  const part = (value: number) => clamp(largest > 0 ? value / largest : 0);
  return {
    low: 0,
    high: largest,
    colour: (value) => mix('var(--heat-high)', part(value), 'var(--heat-low)'),
    ink: (value) => inkOn(part(value)),
  };
}

/** The same distance on both sides of zero. */
export function signedScale(largest: number): ColourScale {
  const part = (value: number) => clamp(largest > 0 ? Math.abs(value) / largest : 0);
  return {
    low: -largest,
    high: largest,
    colour: (value) => mix(value < 0 ? 'var(--heat-negative)' : 'var(--heat-high)', part(value), 'var(--heat-low)'),
    ink: (value) => inkOn(part(value)),
  };
}

function inkOn(part: number): string {
  return part > TURN ? 'var(--heat-ink)' : 'var(--ink)';
}

function mix(over: string, part: number, under: string): string {
  return `color-mix(in oklab, ${over} ${(100 * part).toFixed(1)}%, ${under})`;
}

function clamp(part: number): number {
  return Math.max(0, Math.min(1, part));
}
