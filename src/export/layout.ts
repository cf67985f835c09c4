/** Which bytes of which data file each weight gets, decided before a byte is written. */

import { AppError } from '../core/errors.ts';
import type { ExternalTensor, WeightPlace } from '../graph/onnx.ts';
import { dataFile } from './names.ts';

/** Runtimes on a disk map a weight into memory without copying it where it begins on a page. */
const ALIGNMENT = 4096;
/** Of a data file. A browser holds each in one piece while it loads, and refuses pieces of 2 GiB. */
export const LARGEST_FILE = 2e9;
/** transformers.js loads no more of them (src/utils/hub/constants.js). */
const MOST_FILES = 100;

export interface DataFile {
  /** As the graph and transformers.js call it: without the folder. */
  name: string;
  bytes: number;
}

export interface Layout {
  files: DataFile[];
  places: Map<string, WeightPlace>;
}

/**
 * In the order given, which is the order they are written in. A weight that is larger than a file may be gets one of its own.
 * @throws AppError 'model-too-large'
 */
export function layOut(
  weights: readonly Pick<ExternalTensor, 'name' | 'bytes'>[],
  model: string,
  largest = LARGEST_FILE,
): Layout {
  const files: DataFile[] = [];
  const places = new Map<string, WeightPlace>();
  for (const { name, bytes } of weights) {
    const last = files.at(-1);
    const offset = last ? Math.ceil(last.bytes / ALIGNMENT) * ALIGNMENT : 0;
    const fits = last !== undefined && offset + bytes <= largest;
    if (!fits) files.push({ name: dataFile(model, files.length), bytes: 0 });
    const file = files.at(-1)!;
    const place = { location: file.name, offset: fits ? offset : 0, length: bytes };
    places.set(name, place);
    file.bytes = place.offset + bytes;
  }
  if (files.length > MOST_FILES) throw tooMany(files.length);
  return { files, places };
}

function tooMany(files: number): AppError {
  return new AppError(
    'model-too-large',
    `At this precision the model would be ${files} files of 2 GB; transformers.js loads at most ${MOST_FILES}.`,
    'Choose a precision with fewer bits.',
    { files, most: MOST_FILES },
  );
}
