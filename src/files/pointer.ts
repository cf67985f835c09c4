/** What a clone without Git LFS leaves in the place of a large file: three lines of text that name it. */

import { AppError } from '../core/errors.ts';

export function lfsPointer(path: string): AppError {
  return new AppError(
    'format-unsupported',
    `${path} is only a pointer to the weights, left by Git LFS.`,
    'Fetch the file itself: git lfs pull, or download it from the page of the model.',
    { file: path },
  );
}
