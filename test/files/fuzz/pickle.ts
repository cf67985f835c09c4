/** Fuzz of the unpickler: mutated pickles of torch and Python, and programs of random instructions. */

import { memorySource } from '../../../src/files/source.ts';
import { unpickle } from '../../../src/files/torch/pickle.ts';
import { locateEntry, readZipDirectory } from '../../../src/files/torch/zip.ts';
import { fixture } from '../fixtures.ts';
import { type Fuzz, mutate, outcome, type Random } from './outcome.ts';

async function pickleOf(file: string): Promise<Uint8Array> {
  const bytes = fixture(file);
  const source = memorySource(bytes);
  const directory = await readZipDirectory(source, file);
  const entry = [...directory.entries.values()].find(({ name }) => name.endsWith('/data.pkl'))!;
  const { start, end } = await locateEntry(source, directory, entry, file);
  return bytes.slice(start, end);
}

const SEEDS = [
  ...(await Promise.all(
    ['torch/mixed.bin', 'torch/mixed-protocol5.bin', 'torch/refused/code.bin', 'torch/whole/pytorch_model.bin'].map(
      pickleOf,
    ),
  )),
  ...[2, 3, 4, 5].map((protocol) => fixture(`torch/values-${protocol}.pkl`)),
];

const ascii = (text: string) => [...new TextEncoder().encode(text)];
/** Instructions with their operands, well formed; put together at random they meet every check behind the operands. */
const INSTRUCTIONS: ((random: Random) => number[])[] = [
  () => [0x28],
  () => [0x29],
  () => [0x5d],
  () => [0x7d],
  () => [0x4e],
  () => [0x88],
  (random) => [0x4b, random(256)],
  (random) => [0x8c, 2, 97 + random(26), 97 + random(26)],
  (random) => [0x8a, 2, random(256), random(256)],
  (random) => [0x71, random(8)],
  (random) => [0x68, random(8)],
  (random) => [0x6a, random(8), 0, 0, 0],
  () => [0x94],
  (random) => [0x85 + random(3)],
  () => [0x74],
  () => [0x73],
  () => [0x75],
  () => [0x61],
  () => [0x65],
  () => [0x51],
  () => [0x52],
  () => [0x62],
  () => [0x93],
  () => ascii('ccollections\nOrderedDict\n'),
  () => ascii('ctorch._utils\n_rebuild_tensor_v2\n'),
  () => ascii('ctorch\nFloatStorage\n'),
  () => ascii('cos\nsystem\n'),
  (random) => [random(256)],
];

function program(random: Random): Uint8Array {
  const bytes = [0x80, 2 + random(4)];
  for (let i = random(60); i >= 0; i--) bytes.push(...INSTRUCTIONS[random(INSTRUCTIONS.length)]!(random));
  return Uint8Array.from([...bytes, 0x2e]);
}

export const pickleFuzz: Fuzz = {
  generate: (random) => (random(2) === 0 ? program(random) : mutate(SEEDS[random(SEEDS.length)]!, random)),
  run: (bytes) => outcome(() => unpickle(bytes, 'fuzz.bin')),
};
