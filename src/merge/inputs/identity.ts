/**
 * Are the inputs different things? The same folder in two places, or the same weights under two names, would make a safety vector of zeros
 * or undo the fine-tune. Needs a look at handles, sizes and a few bytes of every tensor.
 */

import { AppError } from '../../core/errors.ts';
import type { Adapter } from '../../files/adapter/adapter.ts';
import { type Checkpoint, readTensor } from '../../files/checkpoint.ts';
import type { Folder } from '../../files/folder.ts';
import { ROLE_NAMES, theRole } from '../plan/differences.ts';
import type { Role } from '../recipe/recipe.ts';
import { rolesOf } from '../recipe/request.ts';
import { isAdapterInput, type MergeCheckpoints } from './inputs.ts';

export type MergeFolders = Partial<Record<Role, Folder>>;

/**
 * Before any header is read: the same folder in two slots.
 * @throws AppError 'inputs-identical'
 */
export async function checkFoldersDiffer(folders: MergeFolders): Promise<void> {
  for (const [a, b] of pairs(folders)) {
    const [left, right] = [folders[a]!.description, folders[b]!.description];
    const same =
      left.kind === 'handle' && right.kind === 'handle'
        ? await left.handle.isSameEntry(right.handle)
        : left.kind === 'files' && right.kind === 'files' && left.files === right.files;
    if (same) throw identical(a, b, folders);
  }
}

/**
 * The same weights under two names: equal sizes, equal headers, and equal samples of every tensor. Reading stops at the first difference,
 * so models that differ cost a few reads.
 * @throws AppError 'inputs-identical'
 */
export async function checkWeightsDiffer(folders: MergeFolders, checkpoints: MergeCheckpoints): Promise<void> {
  for (const [a, b] of pairs(folders)) {
    const [left, right] = [checkpoints[a]!, checkpoints[b]!];
    if (isAdapterInput(left) !== isAdapterInput(right) || !sameFiles(left, right)) continue;
    if (await sameSamples(folders[a]!, left, folders[b]!, right)) throw identical(a, b, folders);
  }
}

function pairs(folders: MergeFolders): [Role, Role][] {
  const roles = rolesOf(folders);
  return roles.flatMap((a, i) => roles.slice(i + 1).map((b): [Role, Role] => [a, b]));
}

function sameFiles(a: Checkpoint | Adapter, b: Checkpoint | Adapter): boolean {
  const told = (input: Checkpoint | Adapter) =>
    JSON.stringify(input.shards.map(({ bytes, headerSha256 }) => [bytes, headerSha256]));
  return told(a) === told(b);
}

/** Bytes from the middle of every tensor: fine-tunes change every matrix they touch nearly everywhere, and one page costs what one byte does. */
const SAMPLE_BYTES = 4096;

async function sameSamples(
  folderA: Folder,
  a: Checkpoint | Adapter,
  folderB: Folder,
  b: Checkpoint | Adapter,
): Promise<boolean> {
  const [refsA, refsB] = [refsOf(a), refsOf(b)];
  for (let i = 0; i < refsA.length; i++) {
    const [left, right] = await Promise.all([
      readTensor(folderA, middle(refsA[i]!)),
      readTensor(folderB, middle(refsB[i]!)),
    ]);
    if (left.some((byte, at) => byte !== right[at])) return false;
  }
  return true;
}

function refsOf(input: Checkpoint | Adapter) {
  return isAdapterInput(input)
    ? [
        ...[...input.targets.values()].flatMap(({ a, b }) => [b, a]),
        ...input.saved.values(),
        ...[...input.biases.values(), ...input.rows.values()].map(({ values }) => values),
      ]
    : [...input.tensors.values()];
}

function middle<T extends { start: number; end: number }>(range: T): T {
  const spare = Math.max(0, range.end - range.start - SAMPLE_BYTES);
  const start = range.start + Math.floor(spare / 2);
  return { ...range, start, end: Math.min(range.end, start + SAMPLE_BYTES) };
}

function identical(a: Role, b: Role, folders: MergeFolders): AppError {
  const [left, right] = [folders[a]!.name, folders[b]!.name];
  return new AppError(
    'inputs-identical',
    `The ${ROLE_NAMES[a]} and ${theRole(b)} are the same: ${left === right ? left : `${left} and ${right}`}.`,
    'Open different models; check which folder is in which slot.',
    { roles: [a, b], folders: [left, right] },
  );
}
