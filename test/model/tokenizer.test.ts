import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ChatTokenizer, openTokenizer } from '../../src/model/tokenizer.ts';
import { loadTransformers, type Transformers } from '../../src/model/transformers.ts';
import { chatFolder, folderOf, readChatFile, readChatReference } from './checkpoints.ts';

let transformers: Transformers;
beforeAll(async () => {
  transformers = await loadTransformers(ort);
});

const open = (changes: Record<string, string | undefined> = {}): Promise<ChatTokenizer> =>
  openTokenizer(chatFolder(changes), transformers);

describe('the tokenizer of a folder', () => {
  const { prompts, ids, answers } = readChatReference();

  it('puts prompts into the chat template and gives the ids that transformers gives', async () => {
    const tokenizer = await open();
    expect(prompts.map((prompt) => tokenizer.encodePrompt(prompt))).toEqual(ids);
  });

  it('decodes as transformers does, and nothing to nothing', async () => {
    const tokenizer = await open();
    expect(answers.map((answer) => tokenizer.decode(answer.tokens))).toEqual(answers.map((answer) => answer.text));
    expect(tokenizer.decode([])).toBe('');
  });

  it('knows the token that ends a message', async () => expect((await open()).endOfText).toBe(1));
});

describe('texts without a template', () => {
  const { prompts } = readChatReference();

  it('are encoded as they are, special tokens that they spell included', async () => {
    const tokenizer = await open();
    expect(tokenizer.decode(tokenizer.encodeText(prompts[2]!))).toBe(prompts[2]);
    expect(tokenizer.encodeText('<|user|>')).toEqual([2]);
    expect(tokenizer.encodeText('')).toEqual([]);
  });

  it('get the special tokens that the tokenizer adds, and continuations do not', async () => {
    const begin = { SpecialToken: { id: '<|user|>', type_id: 0 } };
    const definition = {
      ...JSON.parse(readChatFile('tokenizer.json')),
      post_processor: { type: 'TemplateProcessing', single: [begin, { Sequence: { id: 'A', type_id: 0 } }], pair: [] },
    };
    const tokenizer = await open({ 'tokenizer.json': JSON.stringify(definition) });
    expect(tokenizer.encodeText('Hi')).toEqual([2, ...tokenizer.encodeContinuation('Hi')]);
  });
});

describe('a vocabulary larger than the embedding', () => {
  it('is no error until a text uses a token without a row', async () => {
    const tokenizer = await openTokenizer(chatFolder(), transformers, 300);
    expect(tokenizer.largestId).toBe(319);
    expect(tokenizer.encodeText('xyz').every((id) => id < 300)).toBe(true);
  });

  it.each(['encodeText', 'encodeContinuation', 'encodePrompt'] as const)(
    '%s names the token, its id and the rows',
    async (encode) => {
      const tokenizer = await openTokenizer(chatFolder(), transformers, 260);
      const all = await open();
      const text = 'How do I bake bread?';
      const id = all[encode](text).find((one) => one >= 260)!;
      const error = expect.objectContaining({
        code: 'tokenizer-mismatch',
        message: expect.stringContaining(`(id ${id})`),
        data: expect.objectContaining({ id, rows: 260 }),
      });
      expect(() => tokenizer[encode](text)).toThrow(error);
    },
  );

  it('decodes ids that only the model has to nothing', async () => {
    const tokenizer = await openTokenizer(chatFolder(), transformers, 400);
    expect(tokenizer.decode([399])).toBe('');
    expect(tokenizer.decode([399, ...tokenizer.encodeText('Hi')])).toBe('Hi');
  });
});

describe('a folder without tokenizer_config.json', () => {
  const prompt = readChatReference().prompts[0]!;
  const bare = { 'tokenizer_config.json': undefined };

  it('opens: tokenizer.json is all of a tokenizer', async () => {
    const tokenizer = await open(bare);
    expect(tokenizer.encodeText(prompt)).toEqual((await open()).encodeText(prompt));
    expect(tokenizer.endOfText).toBeUndefined();
  });

  it('takes its special tokens from special_tokens_map.json, where they are texts or objects', async () => {
    const map = JSON.stringify({ eos_token: { content: '<|end|>', lstrip: false }, pad_token: '<pad>' });
    const tokenizer = await open({ ...bare, 'special_tokens_map.json': map });
    expect(tokenizer.endOfText).toBe(1);
    expect(tokenizer.encodePrompt(prompt)).toEqual(readChatReference().ids[0]);
  });

  it('says what to copy when a template needs them', async () => {
    const tokenizer = await open(bare);
    expect(() => tokenizer.encodePrompt('Hello')).toThrow(
      expect.objectContaining({ code: 'tokenizer-invalid', hint: expect.stringContaining('tokenizer_config.json') }),
    );
  });
});

it('prefers the special tokens of tokenizer_config.json, also as objects without a type', async () => {
  const config = { ...JSON.parse(readChatFile('tokenizer_config.json')), eos_token: { content: '<|end|>' } };
  const map = JSON.stringify({ eos_token: '<pad>' });
  const tokenizer = await open({ 'tokenizer_config.json': JSON.stringify(config), 'special_tokens_map.json': map });
  expect(tokenizer.endOfText).toBe(1);
});

describe('a folder without tokenizer.json', () => {
  const lacking = (files: Record<string, string>) => openTokenizer(folderOf(files, 'Tiny'), transformers);

  it.each([
    [['tokenizer.model'], 'SentencePiece', 'sentencepiece'],
    [['spiece.model'], 'SentencePiece', 'sentencepiece'],
    [['vocab.json', 'merges.txt'], 'byte-level BPE', 'AutoTokenizer'],
    [['vocab.txt'], 'WordPiece', 'AutoTokenizer'],
  ])('but with %j says what that is, and the Python that writes tokenizer.json', async (files, called, needed) => {
    const names = [...files, 'config.json', 'tokenizer_config.json'];
    const error = await lacking(Object.fromEntries(names.map((name) => [name, '{}']))).catch((reason) => reason);
    expect(error).toMatchObject({
      code: 'tokenizer-missing',
      message: expect.stringContaining(called),
      hint: expect.stringContaining(needed),
    });
    expect(error.data.found.sort()).toEqual(files.toSorted());
    expect(error.hint).toContain('AutoTokenizer.from_pretrained("Tiny").save_pretrained("Tiny")');
  });

  it('but with a tiktoken vocabulary says which file to copy', async () => {
    await expect(lacking({ 'qwen.tiktoken': '' })).rejects.toMatchObject({
      code: 'tokenizer-missing',
      message: expect.stringContaining('qwen.tiktoken'),
      hint: expect.stringContaining('Copy tokenizer.json'),
    });
  });

  it('but with a GGUF file says that the tokenizer is inside it', async () => {
    await expect(lacking({ 'tiny.gguf': '' })).rejects.toMatchObject({
      code: 'tokenizer-missing',
      message: expect.stringContaining('inside tiny.gguf'),
      data: { found: ['tiny.gguf'] },
    });
  });

  it('and without anything like it says which files to copy', async () => {
    await expect(lacking({ 'vocab.json': '{}', 'tokenizer_config.json': '{}' })).rejects.toMatchObject({
      code: 'tokenizer-missing',
      hint: expect.stringContaining('Copy tokenizer.json and tokenizer_config.json'),
      data: { file: 'tokenizer.json', found: [] },
    });
  });
});

describe('a folder whose text files are wrong', () => {
  it.each([-1, 0.5, 2 ** 32, '"one"', 'null'])('has a token with the id %s', async (id) => {
    const text = readChatFile('tokenizer.json').replace(/"id": 3\b/, `"id": ${id}`);
    await expect(open({ 'tokenizer.json': text })).rejects.toMatchObject({
      code: 'tokenizer-invalid',
      message: expect.stringContaining(`id ${id}`),
    });
  });

  it('adds a special token that is in no vocabulary: a text shows it', async () => {
    const definition = {
      ...JSON.parse(readChatFile('tokenizer.json')),
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<nowhere>', type_id: 0 } }],
        pair: [],
      },
    };
    const tokenizer = await open({ 'tokenizer.json': JSON.stringify(definition) });
    expect(() => tokenizer.encodeText('Hi')).toThrow(expect.objectContaining({ code: 'tokenizer-invalid' }));
  });

  it('has a SentencePiece table that is cut off', async () => {
    const definition = {
      ...JSON.parse(readChatFile('tokenizer.json')),
      normalizer: { type: 'Precompiled', precompiled_charsmap: 'ALwCAA==' },
    };
    await expect(open({ 'tokenizer.json': JSON.stringify(definition) })).rejects.toMatchObject({
      code: 'tokenizer-invalid',
      message: expect.stringContaining('Precompiled'),
    });
  });

  it.each(['{ "model"', '[]', '"text"'])('has a tokenizer.json that is no object: %s', async (text) => {
    await expect(open({ 'tokenizer.json': text })).rejects.toMatchObject({
      code: 'json-invalid',
      data: { file: 'tokenizer.json' },
    });
  });

  it('has a tokenizer of no known kind', async () => {
    await expect(open({ 'tokenizer.json': '{"model": {"type": "Abacus"}}' })).rejects.toMatchObject({
      code: 'tokenizer-invalid',
    });
  });

  it('has a template that does not parse', async () => {
    const tokenizer = await open({ 'chat_template.jinja': '{% for message in' });
    expect(() => tokenizer.encodePrompt('Hello')).toThrow(expect.objectContaining({ code: 'tokenizer-invalid' }));
  });
});

it('keeps transformers.js off every network and cache', async () => {
  const { env } = await import('@huggingface/transformers');
  expect(env).toMatchObject({ allowRemoteModels: false, useBrowserCache: false, useWasmCache: false });
  await expect(env.fetch('https://example.org')).rejects.toThrow('nothing is fetched');
});
