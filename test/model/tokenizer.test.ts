import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ChatTokenizer, openTokenizer } from '../../src/model/tokenizer.ts';
import { loadTransformers, type Transformers } from '../../src/model/transformers.ts';
import { chatFolder, readChatFile, readChatReference } from './checkpoints.ts';

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

  it('takes the template from tokenizer_config.json where it is written there', async () => {
    const config = {
      ...JSON.parse(readChatFile('tokenizer_config.json')),
      chat_template: readChatFile('chat_template.jinja'),
    };
    const tokenizer = await open({ 'tokenizer_config.json': JSON.stringify(config), 'chat_template.jinja': undefined });
    expect(tokenizer.encodePrompt(prompts[0]!)).toEqual(ids[0]);
  });

  it('prefers the template in a file of its own', async () => {
    const config = { ...JSON.parse(readChatFile('tokenizer_config.json')), chat_template: 'another' };
    const tokenizer = await open({ 'tokenizer_config.json': JSON.stringify(config) });
    expect(tokenizer.encodePrompt(prompts[0]!)).toEqual(ids[0]);
  });
});

describe('a folder whose text files are wrong', () => {
  it.each(['tokenizer.json', 'tokenizer_config.json'])('lacks %s', async (file) => {
    await expect(open({ [file]: undefined })).rejects.toMatchObject({ code: 'tokenizer-missing', data: { file } });
  });

  it('has no template: it opens, and says so when a prompt comes', async () => {
    const tokenizer = await open({ 'chat_template.jinja': undefined });
    expect(() => tokenizer.encodePrompt('Hello')).toThrow(expect.objectContaining({ code: 'template-missing' }));
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
