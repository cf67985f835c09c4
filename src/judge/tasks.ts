/** Whether a task was done. One score so far: exact match. */

/** Same characters, white space at either end aside; nothing else is forgiven (case, punctuation, accents, inner spaces all count). */
export function exactMatch(text: string, expected: string): boolean {
  return text.trim() === expected.trim();
}
