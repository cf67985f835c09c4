/** What does not stop the reading of a folder, but a person should know. */

import type { ErrorCode } from '../core/errors.ts';

export interface Problem {
  code: ErrorCode;
  message: string;
  hint: string;
}
