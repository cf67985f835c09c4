/**
 * Weights as torch.save writes them: a zip archive with a pickle that describes the tensors and one stored entry per storage. Gives
 * TensorRefs that point at bytes of that very file; only the directory and the pickle are read. What came before the archive (torch
 * 1.5 and older), scripted models and anything but a flat dictionary of tensors are refused with the way out.
 */

import { dtypeBytes } from '../../core/dtype.ts';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import type { TensorRef } from '../../core/tensor.ts';
import { lfsPointer } from '../pointer.ts';
import { type CheckpointShard, describeShard } from '../shard.ts';
import type { ByteSource } from '../source.ts';
import { unpickle } from './pickle.ts';
import { isKind, type PickleValue } from './pickled.ts';
import { readTensorCall, type StoredTensor } from './tensor.ts';
import { locateEntry, readZipDirectory, type ZipDirectory } from './zip.ts';

/** 60,000 tensors take about 14 MB. */
const MAX_PICKLE_BYTES = 64_000_000;
/** Characters; as for safetensors. */
const MAX_NAME_LENGTH = 1000;
/** Entry headers read at once: each is a read of about 50 bytes, and there is one per storage. */
const READS_AT_ONCE = 32;

export interface TorchFile {
  /** In the order of their bytes. Tied weights share them. */
  tensors: TensorRef[];
  shard: CheckpointShard;
}

/**
 * @param path the file's name, for messages and for `TensorRef.source`
 * @throws AppError 'format-unsupported', 'header-truncated', 'header-too-large', 'dtype-unsupported', 'tensor-duplicate',
 *         'tensor-out-of-bounds', 'tensor-size-mismatch', and what zip.ts and pickle.ts throw
 */
export async function readTorchFile(source: ByteSource, path: string): Promise<TorchFile> {
  await checkBeginning(source, path);
  const directory = await readZipDirectory(source, path);
  const root = rootOf(directory, path);
  await checkByteOrder(source, directory, root, path);
  const pickle = await locate(source, directory, `${root}data.pkl`, path);
  if (pickle.end - pickle.start > MAX_PICKLE_BYTES) {
    throw torchError('header-too-large', path, `describes its tensors in ${pickle.end - pickle.start} bytes`, DAMAGED);
  }
  const stored = stateDict(unpickle(await source.slice(pickle.start, pickle.end), path), path);
  const data = await locateStorages(source, directory, root, stored, path);
  const tensors = [...stored].map(([name, tensor]) => place(name, tensor, data.get(tensor.key)!, path));
  tensors.sort((a, b) => a.start - b.start || a.end - b.end);
  const shard = await describeShard(source, path, [
    [pickle.start, pickle.end],
    [directory.start, source.size],
  ]);
  return { tensors, shard };
}

const SAVE_AGAIN =
  'Convert it once: AutoModelForCausalLM.from_pretrained(folder).save_pretrained(new_folder, safe_serialization=True).';
const DAMAGED = 'The file is damaged or incomplete. Download it again and compare its size with the original.';

/** The first number of a file of torch 1.5 and older: PROTO 2, LONG1 of ten bytes, 0x1950a86a20f9469cfc6c. */
const LEGACY = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const ZIP = [0x50, 0x4b, 0x03, 0x04];

/** Says what the file is instead, when it is no archive. */
async function checkBeginning(source: ByteSource, path: string): Promise<void> {
  const bytes = await source.slice(0, Math.min(source.size, 64));
  const begins = (with_: readonly number[]) => with_.every((byte, i) => bytes[i] === byte);
  if (begins(ZIP)) return;
  if (begins(LEGACY)) {
    const hint = `${SAVE_AGAIN} Or load and save it with a newer torch: torch.save(torch.load(file), file).`;
    throw torchError('format-unsupported', path, 'was saved in the format of torch 1.5 and older', hint);
  }
  if (new TextDecoder().decode(bytes).startsWith('version https://git-lfs')) {
    throw lfsPointer(path);
  }
  if (source.size < 64) throw torchError('header-truncated', path, `has only ${source.size} bytes`, DAMAGED);
  throw torchError('format-unsupported', path, 'is not a file that torch.save wrote', SAVE_AGAIN);
}

/** The folder inside the archive in which everything lies, with its slash. */
function rootOf(directory: ZipDirectory, path: string): string {
  const roots = [...directory.entries.keys()].flatMap((name) => /^([^/]+\/)data\.pkl$/.exec(name)?.[1] ?? []);
  const [root] = roots;
  if (root === undefined || roots.length > 1) {
    throw torchError('format-unsupported', path, 'is an archive, but not one that torch.save wrote', SAVE_AGAIN);
  }
  if (directory.entries.has(`${root}constants.pkl`)) {
    const hint = 'Save the weights alone: torch.save(model.state_dict(), file), or as safetensors.';
    throw torchError('format-unsupported', path, 'holds a scripted model, which is a program', hint);
  }
  return root;
}

/** Files older than the entry were written by little-endian machines, as nearly all are. */
async function checkByteOrder(source: ByteSource, directory: ZipDirectory, root: string, path: string): Promise<void> {
  if (!directory.entries.has(`${root}byteorder`)) return;
  const { start, end } = await locate(source, directory, `${root}byteorder`, path);
  const told = new TextDecoder().decode(await source.slice(start, Math.min(end, start + 16)));
  if (told === 'little') return;
  const hint = 'Load it with torch and save it again on an ordinary machine, or as safetensors.';
  throw torchError('format-unsupported', path, `stores its numbers in the byte order “${told}”`, hint);
}

async function locate(source: ByteSource, directory: ZipDirectory, name: string, path: string) {
  const entry = directory.entries.get(name);
  if (!entry) throw torchError('zip-invalid', path, `lacks its entry “${name.slice(0, 100)}”`, DAMAGED);
  return locateEntry(source, directory, entry, path);
}

function stateDict(value: PickleValue, path: string): Map<string, StoredTensor> {
  if (!isKind(value, 'dict')) throw notFlat(path, 'does not hold a dictionary');
  const stored = new Map<string, StoredTensor>();
  for (const [key, item] of value.entries) {
    if (typeof key !== 'string') throw notFlat(path, 'holds a dictionary whose keys are no names');
    if (key.length > MAX_NAME_LENGTH) throw notFlat(path, `has a name of ${key.length} characters`);
    const tensor = readTensorCall(item, key, path);
    if (!tensor) throw notFlat(path, `holds “${key.slice(0, 100)}”, which is no tensor`, key);
    if (stored.has(key)) {
      throw torchError('tensor-duplicate', path, `names “${key.slice(0, 100)}” twice`, DAMAGED, { tensor: key });
    }
    stored.set(key, tensor);
  }
  if (stored.size === 0) throw notFlat(path, 'holds no tensors');
  return stored;
}

function notFlat(path: string, what: string, tensor?: string): AppError {
  const hint =
    'This seems to be a training checkpoint or another thing than weights. Save the weights alone: torch.save(model.state_dict(), file).';
  return torchError('format-unsupported', path, what, hint, tensor === undefined ? {} : { tensor });
}

type Range = { start: number; end: number };

/** Every storage once, however many tensors share it. */
async function locateStorages(
  source: ByteSource,
  directory: ZipDirectory,
  root: string,
  stored: ReadonlyMap<string, StoredTensor>,
  path: string,
): Promise<Map<string, Range>> {
  const keys = [...new Set([...stored.values()].map(({ key }) => key))];
  const found = new Map<string, Range>();
  for (let i = 0; i < keys.length; i += READS_AT_ONCE) {
    const some = keys.slice(i, i + READS_AT_ONCE);
    const ranges = await Promise.all(some.map((key) => locate(source, directory, `${root}data/${key}`, path)));
    for (const [at, range] of ranges.entries()) found.set(some[at]!, range);
  }
  return found;
}

function place(name: string, tensor: StoredTensor, data: Range, path: string): TensorRef {
  const { dtype, shape, key, offset, bytes, storageBytes } = tensor;
  if (storageBytes !== data.end - data.start) {
    const what = `has ${data.end - data.start} bytes for “${name.slice(0, 100)}” where its description says ${storageBytes}`;
    throw torchError('tensor-size-mismatch', path, what, DAMAGED, { tensor: name, storage: key });
  }
  const start = data.start + offset * dtypeBytes(dtype);
  if (start + bytes > data.end) {
    const what = `places “${name.slice(0, 100)}” past the end of its storage`;
    throw torchError('tensor-out-of-bounds', path, what, DAMAGED, { tensor: name, storage: key });
  }
  return { name, dtype, shape, source: path, start, end: start + bytes };
}

function torchError(
  code: ErrorCode,
  path: string,
  what: string,
  hint: string,
  facts: Record<string, unknown> = {},
): AppError {
  return new AppError(code, `${path} ${what}.`, hint, { file: path, ...facts });
}
