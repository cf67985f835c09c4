/** Merges through the driver on the built-in folders, real folders on a real disk: which bytes must equal which. */

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPage } from '../../tools/drive/page.mjs';
import { tensorsOf as tensorsOfFile } from './visit.ts';

const DEMO = resolve(import.meta.dirname, '../../public/demo');
const ORACLE = resolve(import.meta.dirname, '../../tools/demo-models/reference/merge.json');

interface MergeOutcome {
  seconds: number;
  backend: string;
  bytesRead: number;
  bytesWritten: number;
  changed: number;
  unchanged: number;
  nonFinite: number;
  shards: { file: string; sha256: string }[];
}

let page: Awaited<ReturnType<typeof openPage>>;
let output: string;
let runs = 0;

beforeAll(async () => {
  page = await openPage();
  output = mkdtempSync(join(tmpdir(), 'resta-web-merge-'));
});

afterAll(async () => {
  await page?.close();
  rmSync(output, { recursive: true, force: true });
});

async function merge(
  recipe: object,
  options: { backend?: string; workers?: number; chunkBytes?: number; sft?: string } = {},
): Promise<{ folder: string; result: MergeOutcome }> {
  const name = `run-${runs++}`;
  const { sft = 'sft', ...rest } = options;
  page.pick(join(DEMO, sft), join(DEMO, 'aligned'), join(DEMO, 'unaligned'), output);
  const result = (await page.call('merge', {
    recipe: { version: 1, ...recipe },
    name,
    backend: 'wasm',
    ...rest,
  })) as MergeOutcome;
  return { folder: join(output, name), result };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Tensor bytes by name of every shard in a folder. */
function tensorsOf(folder: string): Map<string, Buffer> {
  const shards = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  return new Map(
    shards.flatMap((file) => [...tensorsOfFile(join(folder, file))].map(([name, { bytes }]) => [name, bytes] as const)),
  );
}

function expectSameTensors(a: string, b: string): void {
  const [left, right] = [tensorsOf(a), tensorsOf(b)];
  expect([...left.keys()].sort()).toEqual([...right.keys()].sort());
  for (const [name, bytes] of left) expect(bytes.equals(right.get(name)!), name).toBe(true);
}

describe('RESTA on the built-in folders', () => {
  test('the WASM kernels write the bytes of the plain reference', async () => {
    for (const recipe of [
      { method: 'resta', g: 0.75 },
      { method: 'resta_d', g: 0.75, p: 0.3, seed: 7 },
    ]) {
      expectSameTensors((await merge(recipe)).folder, (await merge(recipe, { backend: 'reference' })).folder);
    }
  });

  test('the bytes are those that numpy computed', async () => {
    const oracle = JSON.parse(readFileSync(ORACLE, 'utf8')) as {
      merges: { g: number; tensors: Record<string, string> }[];
    };
    for (const { g, tensors } of oracle.merges) {
      const { folder } = await merge({ method: 'resta', g });
      const written = Object.fromEntries([...tensorsOf(folder)].map(([name, bytes]) => [name, sha256(bytes)]));
      expect(written).toEqual(tensors);
    }
  });

  test('g = 0 writes the fine-tuned weights bit for bit', async () => {
    const { folder, result } = await merge({ method: 'resta', g: 0 });
    expectSameTensors(folder, join(DEMO, 'sft'));
    expect(result.changed).toBe(0);
  });

  test('p = 0 equals plain RESTA bit for bit', async () => {
    expectSameTensors(
      (await merge({ method: 'resta_d', g: 0.5, p: 0, seed: 3 })).folder,
      (await merge({ method: 'resta', g: 0.5 })).folder,
    );
  });

  test('one and two workers and any chunk size write the same files', async () => {
    const recipe = { method: 'resta_d', g: 0.6, p: 0.4, seed: 11, shardBytes: 500_000 };
    const alone = await merge(recipe, { workers: 1 });
    expect(alone.result.shards.length).toBeGreaterThan(2);
    for (const options of [{ workers: 2 }, { workers: 2, chunkBytes: 4096 }, { workers: 1, chunkBytes: 10_007 }]) {
      const other = await merge(recipe, options);
      expect(other.result.shards).toEqual(alone.result.shards);
      for (const { file } of alone.result.shards) {
        expect(readFileSync(join(other.folder, file)).equals(readFileSync(join(alone.folder, file))), file).toBe(true);
      }
    }
  });

  test('another seed drops other weights', async () => {
    const [first, second] = [1, 2].map((seed) => ({ method: 'resta_d', g: 0.5, p: 0.3, seed }));
    expect((await merge(first!)).result.shards[0]!.sha256).not.toBe((await merge(second!)).result.shards[0]!.sha256);
  });

  test('the output is a complete Hugging Face folder that names its recipe and its hashes', async () => {
    const { folder, result } = await merge({ method: 'resta', g: 0.75 });
    for (const file of [
      'config.json',
      'generation_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'README.md',
      'merge.json',
      'model.safetensors',
    ]) {
      expect(existsSync(join(folder, file)), file).toBe(true);
    }
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      expect(readFileSync(join(folder, file)).equals(readFileSync(join(DEMO, 'sft', file))), file).toBe(true);
    }
    for (const { file, sha256: told } of result.shards) expect(sha256(readFileSync(join(folder, file)))).toBe(told);
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toMatch(/RESTA[\s\S]*0\.75/);
    expect(result.nonFinite).toBe(0);
  });

  test('several shards come with an index that names every tensor', async () => {
    const { folder } = await merge({ method: 'resta', g: 0.75, shardBytes: 600_000 });
    const index = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8')) as {
      weight_map: Record<string, string>;
    };
    expect(Object.keys(index.weight_map).sort()).toEqual([...tensorsOf(join(DEMO, 'sft')).keys()].sort());
  });

  test('a LoRA adapter stands in for the fine-tuned model', async () => {
    expectSameTensors(
      (await merge({ method: 'resta', g: 0.5 }, { sft: 'sft-lora' })).folder,
      (await merge({ method: 'resta', g: 0.5 }, { sft: 'sft-lora', backend: 'reference' })).folder,
    );
  });
});
