/** The page's half of the tests of the WebGPU kernels: runs them beside the oracle and WebAssembly, and tells what differs. */

import { dtypeBytes, type FloatDtype } from '../../src/core/dtype.ts';
import { AppError } from '../../src/core/errors.ts';
import { maskStream } from '../../src/core/philox.ts';
import { chooseBackend, loadKernels } from '../../src/kernels/choose.ts';
import { withFallback } from '../../src/kernels/fallback.ts';
import type { Elements, KernelOp, Kernels } from '../../src/kernels/kernels.ts';
import { arrangeMatrices, type LowRankMatrices } from '../../src/kernels/low-rank.ts';
import { probe } from '../../src/kernels/probe.ts';
import { referenceKernels } from '../../src/kernels/reference.ts';
import { openDevice, requestAdapter } from '../../src/kernels/webgpu/device.ts';
import { loadWebgpuKernels } from '../../src/kernels/webgpu/loader.ts';
import { inPieces } from '../../src/kernels/webgpu/pieces.ts';
import { operand, weights } from '../kernels/elements.ts';

const STREAM = maskStream(7, 'model.layers.0.self_attn.q_proj.weight');
const OPS: Record<KernelOp['kind'], { op: KernelOp; inputs: number }> = {
  'add-scaled-difference': { op: { kind: 'add-scaled-difference', scale: 0.7 }, inputs: 3 },
  'drop-and-add-scaled-difference': {
    op: { kind: 'drop-and-add-scaled-difference', scale: 0.7, rate: 0.3, stream: STREAM },
    inputs: 3,
  },
  'add-scaled': { op: { kind: 'add-scaled', scale: -1.3 }, inputs: 2 },
  'drop-and-add-scaled': { op: { kind: 'drop-and-add-scaled', scale: 0.7, rate: 0.9, stream: STREAM }, inputs: 3 },
  difference: { op: { kind: 'difference' }, inputs: 2 },
  convert: { op: { kind: 'convert' }, inputs: 1 },
};

/** The device is kept to be lost; the kernels on it are bare: neither checked nor with a fallback, so nothing covers for them. */
async function open(habit?: (code: string) => string) {
  const device = await openDevice((await requestAdapter())!);
  const compile = device.createShaderModule.bind(device);
  if (habit) device.createShaderModule = ({ code }) => compile({ code: habit(code) });
  const acrossBytes = device.limits.maxStorageBufferBindingSize;
  return { device, gpu: inPieces(await loadWebgpuKernels(device), { acrossBytes }) };
}

let opened: ReturnType<typeof open> | undefined;
let wasm: Promise<Kernels> | undefined;

function onceOpen(): ReturnType<typeof open> {
  opened ??= open();
  return opened;
}

/** What devices may do to the shaders' float arithmetic, written into them. */
const HABITS = {
  /** Nothing the device's own adder and multiplier say is believed. */
  'integers only': (code: string) => replaced(code, /isNormal\(a\) && isNormal\(b\)/g, 'false'),
  /** Results below the normal numbers are zero. */
  'flush to zero': (code: string) =>
    replaced(code, /let (sum|product) = opaque\((.*)\);/g, 'let $1 = flushed(opaque($2));').concat(
      'fn flushed(x: u32) -> u32 { return select(x & SIGN, x, isNormal(x)); }',
    ),
};

function replaced(code: string, pattern: RegExp, by: string): string {
  const changed = code.replaceAll(pattern, by);
  if (changed === code) throw new Error(`no shader has ${pattern} any more`);
  return changed;
}

async function hasWebGpu(): Promise<boolean> {
  return (await requestAdapter()) !== undefined;
}

interface Case {
  kind: KernelOp['kind'];
  /** Of the inputs, then of the result. */
  types: FloatDtype[];
  length: number;
  /** Bytes before each operand's first. */
  offset: number;
  firstElement: number;
  /** Arbitrary bits, NaN, infinities and subnormals among them; or numbers as models have them. */
  from: 'bits' | 'weights';
}

/** What differs from the oracle in bytes or counts, on WebGPU and on WebAssembly; empty where nothing does. */
async function differences(cases: Case[], habit?: keyof typeof HABITS): Promise<string[]> {
  const { gpu } = await (habit ? open(HABITS[habit]) : onceOpen());
  wasm ??= loadKernels('wasm');
  const found: string[] = [];
  for (const one of cases) {
    const { op, inputs, make } = prepared(one);
    const [expected, got, other] = [make(), make(), make()];
    const counts = [
      await referenceKernels.apply(op, inputs, expected, one.firstElement),
      await gpu.apply(op, inputs, got, one.firstElement),
      await (await wasm).apply(op, inputs, other, one.firstElement),
    ].map((one) => JSON.stringify(one));
    const label = JSON.stringify(one);
    if (!sameBytes(expected, got)) found.push(`webgpu bytes: ${label}`);
    if (!sameBytes(expected, other)) found.push(`wasm bytes: ${label}`);
    if (counts[0] !== counts[1]) found.push(`webgpu counts: ${label} ${counts[1]} for ${counts[0]}`);
    if (counts[0] !== counts[2]) found.push(`wasm counts: ${label} ${counts[2]} for ${counts[0]}`);
  }
  return found;
}

function prepared({ kind, types, length, offset, from }: Case) {
  const values = from === 'bits' ? operand : weights;
  const { op, inputs: count } = OPS[kind];
  const inputs = types.slice(0, count).map((dtype, i) => values(dtype, length, i + 1, offset + i));
  const out = types[count]!;
  const make = (): Elements => operand(out, length, 99, offset);
  return { op, inputs, make };
}

function sameBytes(a: Elements, b: Elements): boolean {
  return a.bytes.length === b.bytes.length && a.bytes.every((byte, i) => byte === b.bytes[i]);
}

/** Each of the patterns of a 16-bit type, or float32 around all ties of one, converted. */
async function conversions(from: FloatDtype, to: FloatDtype): Promise<boolean> {
  const { gpu } = await onceOpen();
  const step = { F16: 0x1000, BF16: 0x8000, F8_E4M3: 0x80000, F8_E5M2: 0x100000 }[to as string] ?? 0x1000;
  const source =
    from === 'F32'
      ? Uint32Array.from({ length: 300_000 }, (_, i) => (i % 2 ? i * 14_317 : Math.floor(i / 6) * step + (i % 3) - 1))
      : Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const bytes = new Uint8Array(source.buffer);
  const length = bytes.length / dtypeBytes(from);
  const [expected, got] = [operand(to, length, 1, 0), operand(to, length, 2, 0)];
  await referenceKernels.apply({ kind: 'convert' }, [{ dtype: from, bytes }], expected, 0);
  await gpu.apply({ kind: 'convert' }, [{ dtype: from, bytes }], got, 0);
  return sameBytes(expected, got);
}

/** In place, and larger than what the device takes at once. */
async function inPlace(): Promise<boolean> {
  const { gpu } = await onceOpen();
  const length = 2 ** 20 + 4099; // two runs of float32
  const inputs = [weights('F32', length, 1, 1), weights('F32', length, 2, 0)];
  const expected = operand('F32', length, 3, 0);
  await referenceKernels.apply({ kind: 'difference' }, inputs, expected, 0);
  await gpu.apply({ kind: 'difference' }, inputs, inputs[0]!, 0);
  return sameBytes(inputs[0]!, expected);
}

function lowRank(factors: boolean, transposed: boolean): LowRankMatrices {
  const [rank, rows, columns] = [7, 131, 253];
  const floats = (length: number, seed: number) =>
    new Float32Array(weights('F32', length, seed, 0).bytes.slice().buffer as ArrayBuffer);
  const shape = { rank, rows, columns, scale: 0.37, transposed };
  const matrices = arrangeMatrices(floats(rank * columns, 1), floats(rows * rank, 2), shape);
  return { ...matrices, ...(factors && { factors: floats(rows, 3) }) };
}

/** A LoRA folded into runs that begin and end anywhere; by the oracle and on the GPU. */
async function folds(dtype: FloatDtype): Promise<string[]> {
  const { gpu } = await onceOpen();
  const found: string[] = [];
  for (const factors of [false, true]) {
    for (const transposed of [false, true]) {
      const matrices = lowRank(factors, transposed);
      for (const [first, length] of [
        [0, 1000],
        [250, 7],
        [131 * 253 - 4097, 4097],
        [12_345, 1],
      ] as const) {
        const base = operand(dtype, length, 5, 3);
        const expected = await referenceKernels.foldLowRank(base, matrices, first);
        const got = await gpu.foldLowRank(base, matrices, first);
        if (!sameBytes(expected, got)) found.push(`factors ${factors}, transposed ${transposed}, ${first} + ${length}`);
      }
    }
  }
  return found;
}

/** Every op on every type. */
async function probed(): Promise<string | undefined> {
  const { gpu } = await onceOpen();
  const types: FloatDtype[] = ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'];
  const variants = Object.entries(OPS).flatMap(([kind, { inputs }]) =>
    types.map((dtype) => ({ kind: kind as KernelOp['kind'], inputs: Array(inputs).fill(dtype), out: dtype })),
  );
  return probe(gpu, variants);
}

/** What automatic choice and a wish for WebGPU come to here. */
async function choices() {
  return [await chooseBackend('auto'), await chooseBackend('webgpu')];
}

async function checkedKernels() {
  const told: string[] = [];
  const kernels = await loadKernels('webgpu', (reason) => told.push(reason));
  const out = operand('BF16', 1000, 3, 0);
  const inputs = [weights('BF16', 1000, 1, 0), weights('BF16', 1000, 2, 0)];
  const counts = await kernels.apply({ kind: 'difference' }, inputs, out, 0);
  return { backend: kernels.backend, changed: counts.changed, told };
}

/** Six calls at once, the device destroyed while they are under way. */
async function lost() {
  const { device, gpu } = await open();
  const inputs = [1, 2, 3].map((seed) => weights('BF16', 100_003, seed, 1));
  const op = OPS['drop-and-add-scaled-difference'].op;
  const expected = operand('BF16', 100_003, 9, 0);
  await referenceKernels.apply(op, inputs, expected, 5);

  const told: string[] = [];
  const kernels = withFallback(gpu, await loadKernels('wasm'), (reason) => told.push(reason));
  const outs = [1, 2, 3, 4, 5, 6].map((seed) => operand('BF16', 100_003, seed, 0));
  await kernels.apply(op, inputs, outs[0]!, 5);
  const before = kernels.backend;
  const underWay = outs.slice(1).map((out) => kernels.apply(op, inputs, out, 5));
  device.destroy();
  await Promise.all(underWay);
  const untouched = new Uint8Array(200_006).fill(7);
  const bare = await Promise.resolve(gpu.apply(op, inputs, { dtype: 'BF16', bytes: untouched }, 5)).catch(
    (error: unknown) => error,
  );
  return {
    before,
    after: kernels.backend,
    same: outs.map((out) => sameBytes(out, expected)),
    told,
    bare: bare instanceof AppError ? bare.code : bare,
    untouched: untouched.every((byte) => byte === 7),
  };
}

/** A device that does the first run and then nothing any more, without a word. */
async function silent() {
  const { device, gpu } = await open();
  const input = weights('BF16', 1000, 1, 0);
  const convert = () => gpu.apply({ kind: 'convert' }, [input], operand('BF16', 1000, 2, 0), 0);
  const first = await convert();
  device.queue.submit = () => undefined;
  return { first, second: await Promise.resolve(convert()).catch((error: unknown) => (error as AppError).code) };
}

Object.assign(window, {
  hasWebGpu,
  differences,
  conversions,
  inPlace,
  folds,
  probed,
  choices,
  checkedKernels,
  lost,
  silent,
});
