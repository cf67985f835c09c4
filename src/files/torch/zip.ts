/**
 * ZIP archives as torch.save writes them: entries stored without compression, zip64 or not, nothing spread over disks. Reads the
 * directory at the end of the file and tells where the bytes of an entry lie; it never unpacks, so compressed entries are refused. Archives are hostile: an entry must be
 * told the same way by the directory and by its own header, lie before the directory and share no byte with another.
 * Source of the layout: PKWARE APPNOTE 6.3.9, sections 4.3 and 4.5.
 */

import { AppError, type ErrorCode } from '../../core/errors.ts';
import { decodeUtf8 } from '../json.ts';
import type { ByteSource } from '../source.ts';

/** A checkpoint of 100,000 tensors has a directory of about 8 MB. */
const MAX_DIRECTORY_BYTES = 32_000_000;
const MAX_ENTRIES = 200_000;
/** Names go into messages and maps. Real ones have about 40 bytes. */
const MAX_NAME_BYTES = 1000;

const END = { signature: 0x06054b50, bytes: 22, comment: 65535 };
const LOCATOR = { signature: 0x07064b50, bytes: 20 };
const END64 = { signature: 0x06064b50, bytes: 56 };
const CENTRAL = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
const U32 = 0xffffffff;
const U16 = 0xffff;
const ENCRYPTED = 1;
/** Sizes stand behind the data, so the local header may say 0. */
const SIZES_FOLLOW = 8;

export interface ZipEntry {
  name: string;
  /** Of the data as it is stored. */
  bytes: number;
  compressed: boolean;
  /** Where the entry's own header begins. */
  headerAt: number;
  sizesFollow: boolean;
}

export interface ZipDirectory {
  entries: Map<string, ZipEntry>;
  /** Where the directory begins; it and the end records reach to the end of the file. */
  start: number;
}

/**
 * The directory of an archive; three reads at most.
 * @throws AppError 'zip-invalid', 'format-unsupported' (an encrypted entry), and what reading throws
 */
export async function readZipDirectory(source: ByteSource, path: string): Promise<ZipDirectory> {
  const { start, end, count } = await readEnd(source, path);
  const bytes = await source.slice(start, end);
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { entry, next } = readCentral(bytes, view, at, path);
    if (entries.has(entry.name)) throw invalid(path, `holds “${short(entry.name)}” twice`);
    entries.set(entry.name, entry);
    at = next;
  }
  if (at !== bytes.length) throw invalid(path, 'has a directory longer than its entries');
  checkApart([...entries.values()], start, path);
  return { entries, start };
}

/**
 * Bytes [start, end) of an entry in the archive; one small read, which checks the entry's own header against the directory.
 * @throws AppError 'zip-invalid', 'format-unsupported' (a compressed entry), and what reading throws
 */
export async function locateEntry(
  source: ByteSource,
  directory: ZipDirectory,
  entry: ZipEntry,
  path: string,
): Promise<{ start: number; end: number }> {
  if (entry.compressed) throw unsupported(path, `holds the compressed entry “${short(entry.name)}”`);
  const name = new TextEncoder().encode(entry.name);
  const nameAt = entry.headerAt + LOCAL.bytes;
  const header = await source.slice(entry.headerAt, nameAt + name.length); // inside: checkApart has looked
  const view = viewOf(header);
  const differs = (what: string) =>
    invalid(path, `tells the ${what} of “${short(entry.name)}” differently in its directory`);
  if (view.getUint32(0, true) !== LOCAL.signature)
    throw invalid(path, `has no entry “${short(entry.name)}” where it says`);
  if (view.getUint16(8, true) !== 0) throw differs('compression');
  if (view.getUint16(26, true) !== name.length) throw differs('name');
  if (name.some((byte, i) => byte !== header[LOCAL.bytes + i])) throw differs('name');
  if (!sizesAgree(view, entry)) throw differs('size');
  const start = nameAt + name.length + view.getUint16(28, true);
  const end = start + entry.bytes;
  if (end > directory.start) throw invalid(path, `has an entry “${short(entry.name)}” that runs into its directory`);
  return { start, end };
}

function sizesAgree(view: DataView, entry: ZipEntry): boolean {
  return [18, 22].every((offset) => {
    const told = view.getUint32(offset, true);
    // In zip64 the size stands in an extra field: the one in the directory was read, this one is left alone.
    return told === entry.bytes || told === U32 || (entry.sizesFollow && told === 0);
  });
}

interface End {
  start: number;
  /** One past the directory. */
  end: number;
  count: number;
}

async function readEnd(source: ByteSource, path: string): Promise<End> {
  if (source.size < END.bytes) throw invalid(path, `has only ${source.size} bytes`);
  const tailAt = Math.max(0, source.size - END.bytes - END.comment - LOCATOR.bytes - END64.bytes);
  const tail = await source.slice(tailAt, source.size);
  const view = viewOf(tail);
  const at = findEnd(view);
  if (at === undefined) throw invalid(path, 'has no archive directory at its end: the file is cut off');
  for (const disk of [view.getUint16(at + 4, true), view.getUint16(at + 6, true)]) {
    if (disk !== 0 && disk !== U16) throw invalid(path, 'is one part of an archive of several');
  }
  const plain = {
    count: view.getUint16(at + 10, true),
    bytes: view.getUint32(at + 12, true),
    start: view.getUint32(at + 16, true),
  };
  const far = readEnd64(view, at, tailAt, path);
  if (far) {
    const agree = (a: number, b: number, unset: number) => a === b || a === unset;
    const same =
      agree(plain.count, far.count, U16) && agree(plain.bytes, far.bytes, U32) && agree(plain.start, far.start, U32);
    if (!same) throw invalid(path, 'has two end records that differ');
  }
  const { count, bytes, start } = far ?? plain;
  const end = far ? far.at : tailAt + at;
  if (start + bytes !== end) throw invalid(path, 'has a directory that does not end where its end record begins');
  if (count > MAX_ENTRIES || bytes > MAX_DIRECTORY_BYTES) {
    throw invalid(path, `has a directory of ${count} entries and ${bytes} bytes, more than any checkpoint`);
  }
  return { start, end, count };
}

/** Where the end record begins in the tail: the last place whose comment reaches exactly to the end of the file. */
function findEnd(tail: DataView): number | undefined {
  for (let at = tail.byteLength - END.bytes; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END.signature) continue;
    if (at + END.bytes + tail.getUint16(at + 20, true) === tail.byteLength) return at;
  }
  return undefined;
}

/** The zip64 end record, which stands right before its locator, which stands right before the plain end record. */
function readEnd64(view: DataView, endAt: number, tailAt: number, path: string) {
  const locator = endAt - LOCATOR.bytes;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR.signature) return undefined;
  const at = locator - END64.bytes;
  if (at < 0 || view.getUint32(at, true) !== END64.signature)
    throw invalid(path, 'has no zip64 end record where it should');
  if (count64(view, locator + 8, path) !== tailAt + at) throw invalid(path, 'points to another zip64 end record');
  return {
    count: count64(view, at + 32, path),
    bytes: count64(view, at + 40, path),
    start: count64(view, at + 48, path),
    at: tailAt + at,
  };
}

function readCentral(bytes: Uint8Array, view: DataView, at: number, path: string): { entry: ZipEntry; next: number } {
  if (at + CENTRAL.bytes > bytes.length || view.getUint32(at, true) !== CENTRAL.signature) {
    throw invalid(path, 'has a damaged directory');
  }
  const nameBytes = view.getUint16(at + 28, true);
  const extraAt = at + CENTRAL.bytes + nameBytes;
  const extraEnd = extraAt + view.getUint16(at + 30, true);
  const next = extraEnd + view.getUint16(at + 32, true);
  if (next > bytes.length || nameBytes === 0 || nameBytes > MAX_NAME_BYTES)
    throw invalid(path, 'has a damaged directory');
  const name = readName(bytes.subarray(at + CENTRAL.bytes, extraAt), path);
  const flags = view.getUint16(at + 8, true);
  if (flags & ENCRYPTED) throw unsupported(path, `holds the encrypted entry “${short(name)}”`);
  const compressed = view.getUint16(at + 10, true) !== 0;
  const [bytesTold, storedTold, headerAt] = readSizes(view, at, extraAt, extraEnd, path);
  if (!compressed && bytesTold !== storedTold)
    throw invalid(path, `tells two sizes of “${short(name)}”, which is not compressed`);
  const entry = { name, bytes: storedTold, compressed, headerAt, sizesFollow: (flags & SIZES_FOLLOW) !== 0 };
  return { entry, next };
}

/** Size, stored size and position; what does not fit into 32 bits stands in that order in the zip64 extra field. */
function readSizes(
  view: DataView,
  at: number,
  extraAt: number,
  extraEnd: number,
  path: string,
): [number, number, number] {
  const told = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  let far = told.includes(U32) ? findZip64(view, extraAt, extraEnd) : { at: 0, end: 0 };
  const sizes = told.map((value) => {
    if (value !== U32) return value;
    if (!far || far.at + 8 > far.end) throw invalid(path, 'lacks a zip64 size in its directory');
    const size = count64(view, far.at, path);
    far = { at: far.at + 8, end: far.end };
    return size;
  });
  return sizes as [number, number, number];
}

function findZip64(view: DataView, start: number, end: number): { at: number; end: number } | undefined {
  for (let at = start; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    const fieldEnd = at + 4 + view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1 && fieldEnd <= end) return { at: at + 4, end: fieldEnd };
  }
  return undefined;
}

function readName(bytes: Uint8Array, path: string): string {
  try {
    return decodeUtf8(bytes);
  } catch (error) {
    throw invalid(
      path,
      `has an entry whose name cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** By the shortest each entry can be: header, name, data. */
function checkApart(entries: ZipEntry[], directoryStart: number, path: string): void {
  let covered = 0;
  for (const entry of entries.sort((a, b) => a.headerAt - b.headerAt)) {
    if (entry.headerAt < covered) throw invalid(path, `stores “${short(entry.name)}” over another entry`);
    covered = entry.headerAt + LOCAL.bytes + new TextEncoder().encode(entry.name).length + entry.bytes;
    if (covered > directoryStart)
      throw invalid(path, `has an entry “${short(entry.name)}” that runs into its directory`);
  }
}

/** An unsigned 64-bit number that a double holds exactly; files are never larger. */
function count64(view: DataView, at: number, path: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(path, `claims a size of ${value} bytes`);
  return Number(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function short(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}

function invalid(path: string, what: string): AppError {
  return zipError(
    'zip-invalid',
    path,
    what,
    'The file is damaged or incomplete. Download it again and compare its size with the original.',
  );
}

function unsupported(path: string, what: string): AppError {
  return zipError(
    'format-unsupported',
    path,
    what,
    'Save the model again with torch.save, which stores tensors as they are, or as safetensors.',
  );
}

function zipError(code: ErrorCode, path: string, what: string, hint: string): AppError {
  return new AppError(code, `${path} ${what}.`, hint, { file: path });
}
