/**
 * One call through the module's memory, block by block: each operand is copied in once, the result out once. In the stored type where all
 * operands share one that the module computes in; through float32 otherwise.
 */

import { dtypeBytes, type FloatDtype, isKernelDtype, type KernelDtype } from '../../core/dtype.ts';
import type { Counts, Elements } from '../kernels.ts';
import type { Prepared } from '../operands.ts';
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

interface Call extends Prepared<FloatDtype> {
  module: KernelModule;
  memory: Uint8Array;
  slots: Slots;
  out: Elements;
}

export function applyInBlocks(
  module: KernelModule,
  slots: Slots,
  prepared: Prepared<FloatDtype>,
  out: Elements,
  firstElement: number,
): Counts {
  const call: Call = { module, memory: new Uint8Array(module.memory.buffer), slots, ...prepared, out };
  const { arithmetic, inputs } = prepared;
  const length = out.bytes.byteLength / dtypeBytes(out.dtype);
  const uniform = arithmetic.kind !== 'convert' && inputs.every(({ dtype }) => dtype === out.dtype);
  const counts = { changed: 0, unchanged: 0, nonFinite: 0 };
  let start = 0;
  while (start < length) {
    const lead = (firstElement + start) % 16;
    const elements = Math.min(length - start, BLOCK - lead);
    const padded = Math.ceil((lead + elements) / 32) * 32;
    const block = { start, elements, lead, group: firstElement + start - lead, padded };
    if (uniform && isKernelDtype(out.dtype)) stored(call, block, out.dtype);
    else throughFloat32(call, block);
    counts.changed += module.changed.value;
    counts.nonFinite += module.nonFinite.value;
    start += elements;
  }
  counts.unchanged = length - counts.changed;
  return counts;
}

function stored(call: Call, block: Block, dtype: KernelDtype): void {
  const { slots, inputs } = call;
  for (const [i, input] of inputs.entries()) copyIn(call, slots[i]!, input, block);
  compute(call, dtype, block);
  copyOut(call, slots[3], block);
}

function throughFloat32(call: Call, block: Block): void {
  const { module, slots, inputs, arithmetic } = call;
  const result = slots[3];
  for (const [i, input] of inputs.entries()) {
    copyIn(call, input.dtype === 'F32' ? slots[i]! : result, input, block);
    if (input.dtype !== 'F32') module[`widen${input.dtype}`](slots[i]!, result, block.padded);
  }
  if (arithmetic.kind !== 'convert') compute(call, 'F32', block);
  copyOut(call, narrow(call, block), block);
}

/**
 * From float32 to the type of the output, and where that lies then. Float32 and F64 hold the same values, so the counts of the arithmetic stand;
 * in other types rounding decides what changed.
 */
function narrow({ module, memory, slots, arithmetic, out: { dtype } }: Call, { padded }: Block): number {
  const [first, second, third, result] = slots;
  const isConversion = arithmetic.kind === 'convert';
  const values = isConversion ? first : result;
  const before = arithmetic.kind === 'difference' ? 0 : first;
  if (dtype === 'F32' && !isConversion) return result;
  // The inputs are spent but for the first: the second slot takes the elements as stored, of F64 the third too.
  if (dtype === 'F16' || dtype === 'BF16') {
    module[`narrowCounting${dtype}`](second, values, before, third, padded);
    return second;
  }
  module[`narrow${dtype}`](second, values, padded);
  if (dtype === 'F32' || dtype === 'F64') {
    if (isConversion) module.countF32(values, values, padded);
    return second;
  }
  if (before) module[`narrow${dtype}`](third, before, padded);
  else memory.fill(0, third, third + padded);
  module[`count${dtype}`](second, third, values, padded);
  return second;
}

/** The arithmetic on filled slots of one type, into the fourth; it counts, too. */
function compute({ module, slots, arithmetic }: Call, dtype: KernelDtype, { padded, group }: Block): void {
  const [first, second, third, result] = slots;
  if (arithmetic.kind === 'difference') {
    module[`subtract${dtype}`](result, first, second, padded);
  } else if (arithmetic.kind === 'add') {
    const { scale } = arithmetic;
    if (arithmetic.vector === 'stored') module[`add${dtype}`](result, first, second, padded, scale);
    else module[`addDifference${dtype}`](result, first, second, third, padded, scale);
  } else if (arithmetic.kind === 'drop') {
    const { scale, rescale, threshold, stream } = arithmetic;
    const words = [...stream.seed, ...stream.name] as const;
    const drop = arithmetic.vector === 'stored' ? module[`drop${dtype}`] : module[`dropDifference${dtype}`];
    drop(result, first, second, third, padded, scale, rescale, threshold, group, ...words);
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
