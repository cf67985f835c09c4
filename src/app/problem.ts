/** From whatever was thrown to what a person may read. A cancel becomes nothing: it is not an error. */

import { AppError, type AppErrorShape, isCancel } from '../core/errors.ts';

/** What happened, what to do, and the facts to copy. `code` is missing for programming mistakes. */
export interface Problem extends Omit<AppErrorShape, 'code'> {
  code?: AppErrorShape['code'];
}

const UNEXPECTED = 'This is a mistake in the page itself. Try again; if it stays, copy the details into a report.';

/** `undefined` when the person cancelled. */
export function problemOf(error: unknown): Problem | undefined {
  if (isCancel(error)) return undefined;
  if (error instanceof AppError) return error.toShape();
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return { message, hint: UNEXPECTED, data: stack ? { stack } : {} };
}

/** The text that "Copy details" puts on the clipboard. */
export function problemDetails(problem: Problem): string {
  const facts = Object.keys(problem.data).length > 0 ? `\n${JSON.stringify(problem.data, null, 2)}` : '';
  return `${problem.code ?? 'unexpected'}: ${problem.message}\n${problem.hint}${facts}\n${navigator.userAgent}`;
}
