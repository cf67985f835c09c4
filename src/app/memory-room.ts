/** Whether a model will fit, and what would. It warns and never forbids: an estimate knows the model, not what else the computer is doing. */

import type { Precision } from '../graph/precision.ts';
import type { ModelPreview } from '../model/generation.ts';

export interface Shortage {
  /** Bytes that the model would take. */
  needs: number;
  /** Bytes that there are. */
  room: number;
  /** What is too small: the address space of WebAssembly, or the computer as far as the browser tells. */
  of: 'wasm' | 'computer';
  /** The largest of the other precisions that would fit. */
  smaller?: { precision: Precision; needs: number };
}

/** Bytes, as far as the browser tells; Chromium alone does, in steps, and says at most 8 GiB (some versions 32) of any computer. */
export function computerMemory(platform: { deviceMemory?: number } = navigator as { deviceMemory?: number }) {
  return platform.deviceMemory === undefined ? undefined : platform.deviceMemory * 2 ** 30;
}

/** Undefined where it fits, or where nothing is known of that precision. */
export function shortageOf(preview: ModelPreview, precision: Precision, computer?: number): Shortage | undefined {
  const needs = preview.memory[precision]?.total;
  if (needs === undefined) return undefined;
  const rooms: Pick<Shortage, 'room' | 'of'>[] = [];
  if (preview.limit !== undefined) rooms.push({ of: 'wasm', room: preview.limit });
  if (computer !== undefined) rooms.push({ of: 'computer', room: computer });
  const [least] = rooms.sort((a, b) => a.room - b.room);
  if (!least || needs <= least.room) return undefined;
  const others = (Object.keys(preview.memory) as Precision[])
    .map((other) => ({ precision: other, needs: preview.memory[other]!.total }))
    .filter((other) => other.needs <= least.room)
    .sort((a, b) => b.needs - a.needs);
  return { needs, ...least, ...(others[0] && { smaller: others[0] }) };
}
