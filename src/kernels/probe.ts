/**
 * Is a backend's arithmetic the oracle's on this very device? Drivers compile the shaders anew on every computer, and are allowed more than
 * the standard's readers expect. So values that bring out the differences go through, and what comes back is compared byte by byte: at start
 * the methods as they are used most, and every other op and type just before its first use.
 */

import { decodeFloats, dtypeBytes, encodeFloats, type FloatDtype } from '../core/dtype.ts';
import { AppError } from '../core/errors.ts';
import { maskStream } from '../core/philox.ts';
import type { Counts, Elements, KernelOp, Kernels } from './kernels.ts';
import { arrangeMatrices, type LowRankMatrices } from './low-rank.ts';
import { hardBits, randomBits, smallNumbers } from './probe-values.ts';
import { referenceKernels } from './reference.ts';

/** An op and the types that it is used on. */
export interface Variant {
  kind: KernelOp['kind'];
  inputs: readonly FloatDtype[];
  out: FloatDtype;
}

const same = (kind: KernelOp['kind'], dtype: FloatDtype, inputs: number): Variant => ({
  kind,
  inputs: Array<FloatDtype>(inputs).fill(dtype),
  out: dtype,
});

/** RESTA and RESTA_d on the types that models have, the vector itself, and a conversion: a second on a software adapter. */
const AT_START: readonly Variant[] = [
  ...(['F32', 'BF16', 'F16'] as const).flatMap((dtype) => [
    same('add-scaled-difference', dtype, 3),
    same('drop-and-add-scaled-difference', dtype, 3),
  ]),
  same('difference', 'F32', 2),
];

const STREAM = maskStream(7, 'probe');
/** The first brings out fused and reordered operations, the second products and sums below the normal numbers. */
const SCALES = [0.7, 1e-37];
/** The mask's counters at the start, across an index of 2^32, across a lower word of 2^32 in the counter, and far beyond. */
const PHASES = [5, 2 ** 32 - 700, 2 ** 34 - 700, 2 ** 45 + 9];

/** @returns what differs first, in a sentence for people; undefined where nothing does. Rejects with what the kernels throw. */
export async function probe(kernels: Kernels, variants = AT_START): Promise<string | undefined> {
  const found = await Promise.all([
    ...variants.map((variant) => probeVariant(kernels, variant)),
    probeFold(kernels, 'BF16', 'none'),
  ]);
  return found.find((one) => one !== undefined);
}

/**
 * The same kernels; before an op is first used on some types it is compared with the oracle.
 * Calls reject with AppError 'backend-unavailable' where it differs.
 */
export function checked(kernels: Kernels): Kernels {
  const checks = new Map<string, Promise<string | undefined>>();
  async function passes(key: string, check: () => Promise<string | undefined>): Promise<void> {
    const found = checks.get(key) ?? check();
    checks.set(key, found);
    const difference = await found;
    if (difference === undefined) return;
    const message = `The graphics card computes differently from the definition. ${difference}`;
    throw new AppError('backend-unavailable', message, 'Choose WebAssembly: the bytes are the definition’s.', {
      backend: kernels.backend,
      difference,
    });
  }
  return {
    backend: kernels.backend,
    parallel: kernels.parallel,
    async apply(op, inputs, out, firstElement) {
      const variant = variantOf(op, inputs, out);
      await passes(`${variant.kind} ${variant.inputs} ${variant.out}`, () => probeVariant(kernels, variant));
      return kernels.apply(op, inputs, out, firstElement);
    },
    async foldLowRank(base, matrices, firstElement) {
      const factors = factorsOf(matrices);
      await passes(`fold ${base.dtype} ${factors}`, () => probeFold(kernels, base.dtype, factors));
      return kernels.foldLowRank(base, matrices, firstElement);
    },
  };
}

/** A drop rate of 0 is another op (operands.ts): with a stored vector one that does not look at the base. */
function variantOf(op: KernelOp, inputs: readonly Elements[], out: Elements): Variant {
  const types = inputs.map(({ dtype }) => dtype);
  if (!('rate' in op) || op.rate !== 0) return { kind: op.kind, inputs: types, out: out.dtype };
  if (op.kind === 'drop-and-add-scaled-difference') {
    return { kind: 'add-scaled-difference', inputs: types, out: out.dtype };
  }
  return { kind: 'add-scaled', inputs: [types[0]!, types[2]!], out: out.dtype };
}

async function probeVariant(kernels: Kernels, { kind, inputs, out }: Variant): Promise<string | undefined> {
  const operands = inputs.map((dtype, i) => hardOperand(dtype, i));
  const elements = operands[0]!.bytes.byteLength / dtypeBytes(inputs[0]!);
  for (const { op, firstElement } of runsOf(kind)) {
    const make = (): Elements => ({ dtype: out, bytes: new Uint8Array(elements * dtypeBytes(out)) });
    const [expected, got] = [make(), make()];
    const expectedCounts = await referenceKernels.apply(op, operands, expected, firstElement);
    const counts = await kernels.apply(op, operands, got, firstElement);
    const difference = firstDifference(kind, operands, expected, got) ?? countsDifference(kind, expectedCounts, counts);
    if (difference) return difference;
  }
  return undefined;
}

function runsOf(kind: KernelOp['kind']): { op: KernelOp; firstElement: number }[] {
  switch (kind) {
    case 'convert':
    case 'difference':
      return [{ op: { kind }, firstElement: 0 }];
    case 'add-scaled':
    case 'add-scaled-difference':
      return SCALES.map((scale) => ({ op: { kind, scale }, firstElement: 0 }));
    case 'drop-and-add-scaled':
    case 'drop-and-add-scaled-difference':
      return PHASES.map((firstElement, i) => {
        const scale = SCALES[i % SCALES.length]!;
        return { op: { kind, scale, rate: 0.3, stream: STREAM }, firstElement };
      });
  }
}

type Factors = 'none' | 'per line' | 'per column';

function factorsOf({ factors, transposed }: LowRankMatrices): Factors {
  if (!factors) return 'none';
  return transposed ? 'per column' : 'per line';
}

async function probeFold(kernels: Kernels, dtype: FloatDtype, factors: Factors): Promise<string | undefined> {
  const [rank, rows, columns] = [5, 50, 50];
  const matrices: LowRankMatrices = {
    ...arrangeMatrices(smallNumbers(rank * columns, 4), smallNumbers(rows * rank, 5), {
      rank,
      rows,
      columns,
      scale: 0.7,
      transposed: factors === 'per column',
    }),
    ...(factors !== 'none' && { factors: smallNumbers(rows, 6) }),
  };
  const base = hardOperand(dtype, 0);
  const firstElement = 123;
  const expected = await referenceKernels.foldLowRank(base, matrices, firstElement);
  return firstDifference('fold', [base], expected, await kernels.foldLowRank(base, matrices, firstElement));
}

/** A third hard values, each input in another order; a third arbitrary bits; a third numbers as models have them. */
function hardOperand(dtype: FloatDtype, input: number): Elements {
  const hard = encodeFloats(new Float32Array(hardBits(input).buffer), dtype);
  const usual = encodeFloats(smallNumbers(512, input + 1), dtype);
  const arbitrary = new Uint8Array(randomBits((512 * dtypeBytes(dtype)) / 4, input + 1).buffer);
  const bytes = new Uint8Array(hard.length + usual.length + arbitrary.length);
  bytes.set(hard);
  bytes.set(usual, hard.length);
  bytes.set(arbitrary, hard.length + usual.length);
  return { dtype, bytes };
}

function firstDifference(
  what: KernelOp['kind'] | 'fold',
  inputs: readonly Elements[],
  expected: Elements,
  got: Elements,
): string | undefined {
  const byte = expected.bytes.findIndex((one, i) => one !== got.bytes[i]);
  if (byte < 0) return undefined;
  const i = Math.floor(byte / dtypeBytes(expected.dtype));
  const number = ({ bytes, dtype }: Elements) => decodeFloats(bytes, dtype)[i]!;
  const [right, wrong] = [number(expected), number(got)];
  const operation = what === 'fold' ? 'folding a LoRA into weights' : what;
  const of = inputs.map((input) => `${number(input)} (${input.dtype})`).join(', ');
  return `It ${manner(right, wrong)}: ${operation} of ${of} gives ${wrong} where ${right} is right (${expected.dtype}).`;
}

/** 2^-126: what is smaller is subnormal in float32. */
const LEAST_NORMAL = 2 ** -126;

function manner(right: number, wrong: number): string {
  if (!Number.isFinite(right)) return 'treats infinity or NaN in its own way';
  if (wrong === 0 && right !== 0 && Math.abs(right) < LEAST_NORMAL) return 'takes numbers below 1.2e-38 for zero';
  if (Math.abs(wrong - right) <= Math.abs(right) * 2 ** -6) return 'rounds in its own way';
  return 'gives other numbers';
}

function countsDifference(what: string, expected: Counts, got: Counts): string | undefined {
  const keys = ['changed', 'unchanged', 'nonFinite'] as const;
  const key = keys.find((one) => expected[one] !== got[one]);
  return key && `It counts in its own way: after ${what} ${got[key]} weights ${key}, where ${expected[key]} is right.`;
}
