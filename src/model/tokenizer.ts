/**
 * From a question to the ids a chat model expects, and back to text: transformers.js over the files of the folder itself
 * (tokenizer.json, tokenizer_config.json, chat_template.jinja). Special tokens come from the template alone.
 */

import { AppError, isCancel } from '../core/errors.ts';
import type { Folder } from '../files/folder.ts';
import { readOptionalJson, readOptionalTemplate } from './companions.ts';
import type { Transformers } from './transformers.ts';

export interface ChatTokenizer {
  /** One user message, wrapped by the chat template, the answer's opening included. Throws AppError 'template-missing'. */
  encodePrompt(prompt: string): number[];
  /** Special tokens left out. */
  decode(ids: number[]): string;
  /** The end of a message, where the tokenizer says which token that is. */
  endOfText?: number;
}

/** Rejects with AppError 'tokenizer-missing' or 'tokenizer-invalid'; a missing template shows when a prompt is encoded. */
export async function openTokenizer(folder: Folder, transformers: Transformers): Promise<ChatTokenizer> {
  const definition = await readOptionalJson(folder, 'tokenizer.json');
  const config = await readOptionalJson(folder, 'tokenizer_config.json');
  if (definition === undefined || config === undefined) {
    const file = definition === undefined ? 'tokenizer.json' : 'tokenizer_config.json';
    throw new AppError(
      'tokenizer-missing',
      `There is no ${file} in ${folder.name}, so text cannot be turned into tokens.`,
      `Copy ${file} from the model it was fine-tuned from into the folder.`,
      { folder: folder.name, file },
    );
  }
  // transformers writes the template as a file of its own since 4.43, and prefers it; transformers.js reads only the config.
  const template = await readOptionalTemplate(folder, 'chat_template.jinja');
  const tokenizer = create(
    folder,
    transformers,
    definition,
    template === undefined ? config : { ...config, chat_template: template },
  );
  return {
    encodePrompt: (prompt) => tokenizer.encode(applyTemplate(folder, tokenizer, prompt), { add_special_tokens: false }),
    decode: (ids) => (ids.length === 0 ? '' : tokenizer.decode(ids, { skip_special_tokens: true })),
    ...(Number.isInteger(tokenizer.eos_token_id) ? { endOfText: tokenizer.eos_token_id } : {}),
  };
}

type Tokenizer = InstanceType<Transformers['PreTrainedTokenizer']>;

function create(folder: Folder, transformers: Transformers, definition: object, config: object): Tokenizer {
  try {
    return new transformers.PreTrainedTokenizer(definition, config);
  } catch (error) {
    throw new AppError(
      'tokenizer-invalid',
      `The tokenizer of ${folder.name} could not be understood: ${error instanceof Error ? error.message : error}`,
      'Copy tokenizer.json and tokenizer_config.json again from the model they belong to.',
      { folder: folder.name },
    );
  }
}

function applyTemplate(folder: Folder, tokenizer: Tokenizer, prompt: string): string {
  if (!tokenizer.chat_template) {
    throw new AppError(
      'template-missing',
      `${folder.name} has no chat template, so it is not known how a question is put to it.`,
      'Add the chat_template.jinja of the chat model it was fine-tuned from; base models cannot be compared by chat prompts.',
      { folder: folder.name },
    );
  }
  try {
    const conversation = [{ role: 'user', content: prompt }];
    return tokenizer.apply_chat_template(conversation, { tokenize: false, add_generation_prompt: true }) as string;
  } catch (error) {
    if (isCancel(error)) throw error;
    throw new AppError(
      'tokenizer-invalid',
      `The chat template of ${folder.name} failed: ${error instanceof Error ? error.message : error}`,
      'Check chat_template.jinja, or the chat_template in tokenizer_config.json.',
      { folder: folder.name },
    );
  }
}
