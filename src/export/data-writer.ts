/**
 * The data files of an export, one open at a time: bytes go in by weight, gathered into large writes, of which one is under way while the
 * next fills.
 */

import type { Output, OutputFile } from '../files/output/writer.ts';
import type { WeightPlace } from '../graph/onnx.ts';
import { MODEL_FOLDER } from './names.ts';

/** Each write costs a round trip to the browser, which smaller ones do not earn. */
const WRITE_BYTES = 4 << 20;

export interface DataWriter {
  /** The bytes from here on are those of this place. Places go in order; a gap before one is filled with zeros. */
  begin(place: WeightPlace): Promise<void>;
  /** The bytes may be reused as soon as this resolves. */
  put(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  /** Takes the file that is open away again. Never rejects. */
  abort(): Promise<void>;
}

interface OpenFile {
  file: OutputFile;
  name: string;
  /** Bytes handed over, those still gathered included. */
  size: number;
  written: number;
}

/** Rejects as writing does. */
export function openDataWriter(output: Output): DataWriter {
  let filling = new Uint8Array(WRITE_BYTES);
  let spare = new Uint8Array(WRITE_BYTES);
  let writing: Promise<void> = Promise.resolve();
  let open: OpenFile | undefined;

  const flush = async (): Promise<void> => {
    await writing;
    const { file, size, written } = open!;
    if (size === written) return;
    writing = file.write(written, filling.subarray(0, size - written));
    writing.catch(() => {}); // told at the next flush
    open!.written = size;
    [filling, spare] = [spare, filling];
  };
  const put = async (bytes: Uint8Array): Promise<void> => {
    for (let from = 0; from < bytes.length; ) {
      const filled = open!.size - open!.written;
      const piece = bytes.subarray(from, from + WRITE_BYTES - filled);
      filling.set(piece, filled);
      open!.size += piece.length;
      from += piece.length;
      if (filled + piece.length === WRITE_BYTES) await flush();
    }
  };
  const close = async (): Promise<void> => {
    if (!open) return;
    await flush();
    await writing;
    await open.file.close();
    open = undefined;
  };
  return {
    put,
    close,
    async begin({ location, offset }) {
      if (open?.name !== location) {
        await close();
        open = { file: await output.create(`${MODEL_FOLDER}/${location}`), name: location, size: 0, written: 0 };
      }
      if (open.size > offset)
        throw new RangeError(`${location}: a weight at ${offset}, but ${open.size} bytes are there`);
      await put(new Uint8Array(offset - open.size));
    },
    async abort() {
      await writing.catch(() => {});
      await open?.file.abort();
      open = undefined;
    },
  };
}
