/** The loop without its output: how much a worker reads and computes in a moment. From it is chosen how many workers a merge is worth. */

import type { Kernels } from '../../kernels/kernels.ts';
import { openInputs } from '../inputs/reader.ts';
import type { MergePlan } from '../plan/plan.ts';
import type { MergeInputs } from '../recipe/request.ts';
import { applyPiece, CHUNK_BYTES, cutSteps, outputBytes, readPiece, recyclePiece } from './pieces.ts';

/**
 * @param shard whose first pieces are read and computed, one ahead, and then forgotten
 * @returns bytes of output that would have been made within the time
 * @throws what reading throws
 */
export async function rehearseShard(
  plan: MergePlan,
  inputs: MergeInputs,
  shard: number,
  kernels: Kernels,
  milliseconds: number,
): Promise<number> {
  const end = performance.now() + milliseconds;
  const reader = openInputs(plan, inputs, kernels);
  const pieces = cutSteps(plan.shards[shard]!);
  const room = new Uint8Array(Math.max(CHUNK_BYTES, ...pieces.map(outputBytes)));
  let made = 0;
  let next = pieces[0] && readPiece(pieces[0], reader);
  for (const [i, piece] of pieces.entries()) {
    const read = await next!;
    const following = performance.now() < end ? pieces[i + 1] : undefined;
    next = following && readPiece(following, reader);
    next?.catch(() => {}); // told when its turn comes
    await applyPiece(piece, read, kernels, room.subarray(0, outputBytes(piece)));
    recyclePiece(read);
    made += outputBytes(piece);
    if (!following) break;
  }
  await reader.close();
  return made;
}
