/** Fuzz of PyTorch files: archive, description and storages, with mutations near the archive's own records, where parsers err. */

import { readTorchFile } from '../../../src/files/torch/torch.ts';
import { locateEntry, readZipDirectory } from '../../../src/files/torch/zip.ts';
import { fixture } from '../fixtures.ts';
import { type Fuzz, guarded, mutate, outcome, type Random } from './outcome.ts';

const SEEDS = [
  'mixed.bin',
  'mixed-protocol5.bin',
  'whole/pytorch_model.bin',
  'refused/big-endian.bin',
  'refused/compressed.bin',
].map((file) => seedOf(fixture(`torch/${file}`)));

interface Seed {
  original: Uint8Array;
  /** Where its records begin. */
  records: number[];
}

function seedOf(original: Uint8Array): Seed {
  return { original, records: positionsOf(original) };
}

/** Mutates one stretch of the file and keeps its length, so that the other records still point where they did. */
function mutateStretch({ original, records }: Seed, random: Random): Uint8Array {
  const bytes = original.slice();
  const at = records[random(records.length)]!;
  for (let i = random(4); i >= 0; i--) {
    const place = at + random(random(2) === 0 ? 64 : 1500); // a record, or the description behind the first
    if (place < bytes.length) bytes[place] = [0, 1, 0xff, random(256)][random(4)]!;
  }
  return bytes;
}

/** Where "PK" stands: local headers, directory entries, end records. */
function positionsOf(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 0; at + 1 < bytes.length; at++) if (bytes[at] === 0x50 && bytes[at + 1] === 0x4b) found.push(at);
  return found.length > 0 ? found : [0];
}

function generate(random: Random): Uint8Array {
  const seed = SEEDS[random(SEEDS.length)]!;
  return random(3) === 0 ? mutate(seed.original, random) : mutateStretch(seed, random);
}

/** The archive alone: its directory, and the place of every entry, those that no tensor asks for too. */
export const zipFuzz: Fuzz = {
  generate,
  run: (bytes) =>
    outcome(async () => {
      const source = guarded(bytes);
      const directory = await readZipDirectory(source, 'fuzz.bin');
      for (const entry of directory.entries.values()) {
        const { start, end } = await locateEntry(source, directory, entry, 'fuzz.bin');
        if (!(start >= 0 && start <= end && end <= bytes.length)) throw new Error(`${entry.name} at ${start}..${end}`);
      }
    }),
};

export const torchFuzz: Fuzz = {
  generate,
  run: (bytes) =>
    outcome(async () => {
      const { tensors } = await readTorchFile(guarded(bytes), 'fuzz.bin');
      for (const { name, start, end } of tensors) {
        if (!(start >= 0 && start <= end && end <= bytes.length)) throw new Error(`${name} at ${start}..${end}`);
      }
    }),
};
