/**
 * One call through the module's memory, block by block: each operand is copied in once, the result out once. In the stored type where all
 * operands share it; through float32 otherwise.
 */

import { dtypeBytes, type KernelDtype } from '../../core/dtype.ts';
import type { Counts, Elements } from '../kernels.ts';
import type { Arithmetic } from '../operands.ts';
import { BLOCK, type KernelModule, type Slots } from './module.ts';

/**
 * Elements [start, start + elements) of the operands. They lie `lead` elements into their slots, so that offset 0 is the first of a group of
 * 16 in the mask: element `group` of the tensor. Zeros fill the slots before them and up to `padded` elements.
 */
interface Block {
  start: number;
  elements: number;
  lead: number;
  group: number;
  padded: number;
}

interface Call {
  module: KernelModule;
  memory: Uint8Array;
  slots: Slots;
  arithmetic: Arithmetic;
  inputs: readonly Elements<KernelDtype>[];
  out: Elements<KernelDtype>;
}

export function applyInBlocks(
  module: KernelModule,
  slots: Slots,
  arithmetic: Arithmetic,
  inputs: readonly Elements<KernelDtype>[],
  out: Elements<KernelDtype>,
  firstElement: number,
): Counts {
  const call: Call = { module, memory: new Uint8Array(module.memory.buffer), slots, arithmetic, inputs, out };
  const length = out.bytes.byteLength / dtypeBytes(out.dtype);
  const uniform = arithmetic.kind !== 'convert' && inputs.every(({ dtype }) => dtype === out.dtype);
  const counts = { changed: 0, unchanged: 0, nonFinite: 0 };
  let start = 0;
  while (start < length) {
    const lead = (firstElement + start) % 16;
    const elements = Math.min(length - start, BLOCK - lead);
    const padded = Math.ceil((lead + elements) / 16) * 16;
    const block = { start, elements, lead, group: firstElement + start - lead, padded };
    if (uniform) stored(call, block, out.dtype);
    else throughFloat32(call, block);
    counts.changed += module.changed.value;
    counts.nonFinite += module.nonFinite.value;
    start += elements;
  }
  counts.unchanged = length - counts.changed;
  return counts;
}

function stored(call: Call, block: Block, dtype: KernelDtype): void {
  const { module, slots, inputs } = call;
  for (const [i, input] of inputs.entries()) copyIn(call, slots[i]!, input, block);
  compute(call, dtype, block);
  const [sft, , , result] = slots;
  module[`count${dtype}`](result, sft, block.padded);
  copyOut(call, result, block);
}

function throughFloat32(call: Call, block: Block): void {
  const { module, slots, inputs, out, arithmetic } = call;
  const [first, plus, minus, result] = slots;
  for (const [i, input] of inputs.entries()) {
    copyIn(call, input.dtype === 'F32' ? slots[i]! : result, input, block);
    if (input.dtype !== 'F32') module[`widen${input.dtype}`](slots[i]!, result, block.padded);
  }
  if (arithmetic.kind !== 'convert') compute(call, 'F32', block);
  // By now plus and minus are spent: their slots take the elements as stored, computed and untouched.
  module[`narrow${out.dtype}`](plus, arithmetic.kind === 'convert' ? first : result, block.padded);
  module[`narrow${out.dtype}`](minus, first, block.padded);
  module[`count${out.dtype}`](plus, minus, block.padded);
  copyOut(call, plus, block);
}

/** The arithmetic on three filled slots of one type, into the fourth. */
function compute({ module, slots, arithmetic }: Call, dtype: KernelDtype, block: Block): void {
  const [sft, plus, minus, result] = slots;
  if (arithmetic.kind === 'plain') {
    module[`plain${dtype}`](result, sft, plus, minus, block.padded, arithmetic.scale);
  } else if (arithmetic.kind === 'drop') {
    const { scale, rescale, threshold, stream } = arithmetic;
    const words = [...stream.seed, ...stream.name] as const;
    module[`drop${dtype}`](result, sft, plus, minus, block.padded, scale, rescale, threshold, block.group, ...words);
  }
}

function copyIn(
  { memory }: Call,
  slot: number,
  { bytes, dtype }: Elements,
  { start, elements, lead, padded }: Block,
): void {
  const size = dtypeBytes(dtype);
  const from = slot + lead * size;
  const to = from + elements * size;
  memory.fill(0, slot, from);
  memory.set(bytes.subarray(start * size, (start + elements) * size), from);
  memory.fill(0, to, slot + padded * size);
}

function copyOut({ memory, out }: Call, slot: number, { start, elements, lead }: Block): void {
  const size = dtypeBytes(out.dtype);
  out.bytes.set(memory.subarray(slot + lead * size, slot + (lead + elements) * size), start * size);
}
