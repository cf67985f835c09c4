/** Folders as they should not be: each gets one clear line, exit code 1, and nothing is written. */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPage } from '../../tools/drive/page.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const DEMO = join(ROOT, 'public/demo');

let page: Awaited<ReturnType<typeof openPage>>;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'resta-web-bad-'));
  page = await openPage();
});

afterAll(async () => {
  await page?.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** A copy of a demo model to break. */
function copyOf(model: string, name: string): string {
  const folder = join(scratch, name);
  cpSync(join(DEMO, model), folder, { recursive: true });
  return folder;
}

function setConfig(folder: string, change: object): void {
  const path = join(folder, 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
}

/** Rewrites the JSON header of model.safetensors, keeping the bytes behind it. */
function setHeader(folder: string, change: (text: string) => string): void {
  const path = join(folder, 'model.safetensors');
  const bytes = readFileSync(path);
  const end = 8 + Number(bytes.readBigUInt64LE(0));
  const text = Buffer.from(change(bytes.subarray(8, end).toString()));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, bytes.subarray(end)]));
}

type Header = Record<string, { shape: number[]; data_offsets: [number, number] }>;

function changeHeader(folder: string, change: (header: Header, names: string[]) => void): void {
  setHeader(folder, (text) => {
    const header = JSON.parse(text) as Header;
    change(
      header,
      Object.keys(header).filter((name) => name !== '__metadata__'),
    );
    return JSON.stringify(header);
  });
}

/** Each breaks a copy of the fine-tuned model and tells the code it expects. */
const BROKEN: Record<string, { code: RegExp; make: (folder: string) => void }> = {
  'a folder without config.json': {
    code: /^file-missing:.*config\.json/,
    make: (folder) => rmSync(join(folder, 'config.json')),
  },
  'a truncated safetensors file': {
    code: /^(header-truncated|tensor-out-of-bounds):.*model\.safetensors/,
    make: (folder) => truncateSync(join(folder, 'model.safetensors'), 100_000),
  },
  'a header cut off': {
    code: /^header-truncated:/,
    make: (folder) => truncateSync(join(folder, 'model.safetensors'), 60),
  },
  'a header that claims 100 MB and more': {
    code: /^header-too-large:/,
    make: (folder) => {
      const path = join(folder, 'model.safetensors');
      const bytes = readFileSync(path);
      bytes.writeBigUInt64LE(100_000_001n);
      writeFileSync(path, bytes);
      truncateSync(path, 100_000_100);
    },
  },
  'tensors that overlap': {
    code: /^tensor-(overlap|hole):/,
    make: (folder) =>
      changeHeader(folder, (header, names) => {
        const [first, second] = names
          .map((name) => header[name]!)
          .sort((a, b) => a.data_offsets[0] - b.data_offsets[0]);
        const size = second!.data_offsets[1] - second!.data_offsets[0];
        second!.data_offsets = [first!.data_offsets[0], first!.data_offsets[0] + size];
      }),
  },
  'a hole between tensors': {
    code: /^tensor-hole:/,
    make: (folder) =>
      changeHeader(folder, (header, names) => {
        const middle = names.sort((a, b) => header[a]!.data_offsets[0] - header[b]!.data_offsets[0])[1]!;
        delete header[middle];
      }),
  },
  'offsets past the end': {
    code: /^tensor-out-of-bounds:/,
    make: (folder) =>
      changeHeader(folder, (header, names) => {
        const last = names.sort((a, b) => header[a]!.data_offsets[0] - header[b]!.data_offsets[0]).at(-1)!;
        header[last]!.data_offsets = header[last]!.data_offsets.map((offset) => offset + 4096) as [number, number];
      }),
  },
  'a size that is not shape times type': {
    code: /^tensor-size-mismatch:/,
    make: (folder) => changeHeader(folder, (header, names) => header[names[0]!]!.shape.push(2)),
  },
  'the same tensor named twice': {
    code: /^tensor-duplicate:/,
    make: (folder) =>
      setHeader(folder, (text) => {
        const header = JSON.parse(text) as Header;
        const name = Object.keys(header).find((key) => key !== '__metadata__')!;
        return text.trimEnd().replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(header[name])}}`);
      }),
  },
  'shapes that differ': {
    code: /^(shape-mismatch|architecture-mismatch):/,
    make: (folder) =>
      changeHeader(folder, (header, names) => {
        const wide = names.find((name) => header[name]!.shape.length === 2)!;
        header[wide]!.shape.reverse();
        if (header[wide]!.shape[0] === header[wide]!.shape[1])
          header[wide]!.shape = [header[wide]!.shape[0]! * header[wide]!.shape[1]!, 1];
      }),
  },
  'another family': {
    code: /^architecture-mismatch:/,
    make: (folder) => setConfig(folder, { model_type: 'gpt2', architectures: ['GPT2LMHeadModel'] }),
  },
  'config.json that is no JSON': {
    code: /^(json-invalid|config-invalid):.*config\.json/,
    make: (folder) => writeFileSync(join(folder, 'config.json'), '{"model_type": '),
  },
};

async function failure(sft: string, aligned: string, unaligned: string, name: string): Promise<string> {
  page.pick(sft, aligned, unaligned, scratch);
  return page.call('merge', { recipe: { version: 1, method: 'resta', g: 1 }, name, backend: 'wasm' }).then(
    () => 'it merged',
    (error: Error) => error.message,
  );
}

describe('a merge refuses bad input before a byte is written', () => {
  for (const [what, { code, make }] of Object.entries(BROKEN)) {
    test(what, async () => {
      const folder = copyOf('sft', what.replace(/\W+/g, '-'));
      make(folder);
      const out = `out-${what.replace(/\W+/g, '-')}`;
      const message = await failure(folder, join(DEMO, 'aligned'), join(DEMO, 'unaligned'), out);
      expect(message).toMatch(code);
      expect(message.length).toBeGreaterThan(60); // what happened and what to do, not only a name
      expect(existsSync(join(scratch, out))).toBe(false);
    });
  }

  test('three folders of different families', async () => {
    const [gpt2, bert] = ['gpt2', 'bert'].map((family, i) => {
      const folder = copyOf(i ? 'aligned' : 'unaligned', `family-${family}`);
      setConfig(folder, { model_type: family });
      return folder;
    });
    const message = await failure(join(DEMO, 'sft'), gpt2!, bert!, 'out-families');
    expect(message).toMatch(/^architecture-mismatch:.*llama.*gpt2.*bert/);
    expect(existsSync(join(scratch, 'out-families'))).toBe(false);
  });

  test('the same folder twice', async () => {
    const message = await failure(join(DEMO, 'sft'), join(DEMO, 'aligned'), join(DEMO, 'aligned'), 'out-twice');
    expect(message).toMatch(/^inputs-identical:/);
    expect(existsSync(join(scratch, 'out-twice'))).toBe(false);
  });

  test('a copy of the same weights under another name', async () => {
    const message = await failure(
      join(DEMO, 'sft'),
      join(DEMO, 'aligned'),
      copyOf('aligned', 'aligned-copy'),
      'out-copy',
    );
    expect(message).toMatch(/^inputs-identical:/);
  });

  test('an output folder that is already there is not touched', async () => {
    const out = join(scratch, 'precious');
    mkdirSync(out);
    writeFileSync(join(out, 'model.safetensors'), 'precious');
    const message = await failure(join(DEMO, 'sft'), join(DEMO, 'aligned'), join(DEMO, 'unaligned'), 'precious');
    expect(message).toMatch(/^output-exists:/);
    expect(readFileSync(join(out, 'model.safetensors'), 'utf8')).toBe('precious');
  });

  test('a recipe with a negative g', async () => {
    page.pick(join(DEMO, 'sft'), join(DEMO, 'aligned'), join(DEMO, 'unaligned'), scratch);
    const call = page.call('merge', {
      recipe: { version: 1, method: 'resta', g: -1 },
      name: 'out-negative',
      backend: 'wasm',
    });
    await expect(call).rejects.toThrow(/^recipe-invalid:/);
    expect(existsSync(join(scratch, 'out-negative'))).toBe(false);
  });
});

describe('the driver from a shell', () => {
  const drive = (...args: string[]) =>
    spawnSync(process.execPath, [join(ROOT, 'tools/drive/drive.mjs'), ...args], { encoding: 'utf8' });

  test('prints one line and exits with 1 when the page refuses', () => {
    const broken = copyOf('sft', 'no-config');
    rmSync(join(broken, 'config.json'));
    const { status, stderr } = drive('inspect', '--model', broken);
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('config.json');
  });

  test.each([
    ['a missing model', ['merge', '--method', 'resta'], '--sft'],
    ['a backend that there is not', ['merge', '--sft', 'a', '--out', 'b', '--backend', 'cuda'], /wasm, .*"cuda"/],
    [
      'a backend of merges alone',
      ['logits', '--model', 'a', '--tokens', 'b', '--backend', 'reference'],
      'wasm or webgpu',
    ],
    ['half a worker', ['merge', '--sft', 'a', '--out', 'b', '--workers', '0.5'], /--workers .*"0\.5"/],
  ])('prints one line and exits with 2 for %s', (_, call, said) => {
    const { status, stderr } = drive(...call);
    expect(status).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(said);
  });

  test('inspects a folder as JSON', () => {
    const { status, stdout } = drive('inspect', '--model', join(DEMO, 'aligned'));
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, modelType: 'llama', shards: 1, problems: [] });
  });
});
