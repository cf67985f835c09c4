/** The tiny checkpoints as folders, and a runtime on the CPU provider of onnxruntime-web in Node. */

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { type Folder, openFolder } from '../../src/files/folder.ts';
import { type Runtime, runtimeOf } from '../../src/model/runtime.ts';
import { type CheckpointName, fixturePath } from '../graph/fixtures.ts';

export function nodeRuntime(): Runtime {
  return runtimeOf(ort, 'wasm');
}

/** A folder in memory; `changes` replaces, adds or (undefined) leaves out files. */
export function folderOf(
  files: Record<string, string | Uint8Array<ArrayBuffer> | undefined>,
  name = 'a folder',
): Folder {
  const listed = Object.entries(files).flatMap(([path, content]) =>
    content === undefined ? [] : [{ path, blob: new Blob([content]) }],
  );
  return openFolder({ kind: 'files', name, files: listed });
}

export function checkpointFolder(name: CheckpointName, changes: Record<string, string | undefined> = {}): Folder {
  const read = (file: string) => new Uint8Array(readFileSync(fixturePath(name, file)));
  return folderOf(
    {
      'config.json': read('config.json'),
      'generation_config.json': read('generation_config.json'),
      'model.safetensors': read('model.safetensors'),
      ...changes,
    },
    name,
  );
}

interface ChatReference {
  prompts: string[];
  ids: number[][];
  answers: { tokens: number[]; text: string }[];
}

/** The chat model of tools/references/make_chat.py. */
export function readChatFile(file: string): string {
  return readFileSync(fixturePath('chat', file), 'utf8');
}

export function readChatReference(): ChatReference {
  return JSON.parse(readChatFile('reference.json'));
}

export function chatFolder(changes: Record<string, string | undefined> = {}): Folder {
  const texts = [
    'config.json',
    'generation_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'chat_template.jinja',
  ];
  return folderOf(
    {
      ...Object.fromEntries(texts.map((file) => [file, readChatFile(file)])),
      'model.safetensors': new Uint8Array(readFileSync(fixturePath('chat', 'model.safetensors'))),
      ...changes,
    },
    'chat',
  );
}
