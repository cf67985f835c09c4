/** Results into a model card that is there already: only its section of what was measured changes; what people wrote around it stays. Pure. */

import { type CardEvaluation, measured } from './card.ts';

const HEADING = '## What was measured';

/** The card with the results in it; `undefined` for a text that has no such section, or more than one. */
export function cardWithResults(card: string, evaluation: CardEvaluation): string | undefined {
  const lines = card.split('\n');
  const starts = lines.flatMap((line, at) => (line.trimEnd() === HEADING ? [at] : []));
  const [start] = starts;
  if (start === undefined || starts.length > 1) return undefined;
  const after = lines.findIndex((line, at) => at > start && /^##? /.test(line));
  const end = after < 0 ? lines.length : after;
  return [...lines.slice(0, start), measured(evaluation), '', ...lines.slice(end)].join('\n');
}
