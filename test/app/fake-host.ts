/** A model host whose models answer by a rule, and which remembers what was asked of it. */

import type { ModelHost } from '../../src/app/engine.ts';
import { cancelled } from '../../src/core/errors.ts';
import type { FolderDescription } from '../../src/files/folder.ts';
import type { Generation } from '../../src/model/generation.ts';

/** What the model called `name` says; merged models are called "<name of sft> g <g>". */
export type Rule = (name: string, prompt: string) => string;

const described = () => ({
  modelType: 'llama',
  backend: 'wasm' as const,
  precision: 'f32' as const,
  ...{ parameters: 1, bytes: 4, vocabulary: 1 },
});

const notHere = () => Promise.reject(new Error('not here'));

export function fakeHost(rule: Rule) {
  const names = new Map<number, string>();
  const log: string[] = [];
  let last = 0;
  const add = (name: string) => {
    names.set(++last, name);
    log.push(`load ${name}`);
    return { id: last, ...described(), seconds: 0 };
  };
  const host: ModelHost = {
    load: async (folder) => add(folder.name),
    loadMerged: async ({ recipe, inputs }) => add(`${inputs.sft!.name} g ${recipe.g}`),
    loadResident: async ({ recipe, inputs }) => add(`${inputs.sft!.name} g ${recipe.g}`),
    setStrength: async (id, g) => {
      names.set(id, names.get(id)!.replace(/ g .*$/, ` g ${g}`));
      log.push(`set ${names.get(id)}`);
    },
    async generate(id, prompts, _options, onAnswer, signal) {
      const name = names.get(id)!;
      // Finished in another order than asked, as batches do.
      const answers = prompts.map(
        (prompt): Generation => ({ prompt, text: rule(name, prompt), tokens: [1], stopReason: 'eos' }),
      );
      for (let index = prompts.length - 1; index >= 0; index--) {
        if (signal.aborted) throw cancelled();
        onAnswer(index, answers[index]!);
      }
      return { answers, tokensPerSecond: 1 };
    },
    generateIds: notHere,
    logits: notHere,
    describe: async () => described(),
    preview: notHere,
    continuationScores: notHere,
    nextTokenLogProbs: notHere,
    perplexity: notHere,
    scoreChoices: notHere,
    nextTextTokens: notHere,
    textPerplexity: notHere,
    release: async (id) => {
      log.push(`release ${names.get(id)}`);
      names.delete(id);
    },
    terminate: () => {},
  };
  return { host, log, alive: names };
}

export function emptyFolder(name: string): FolderDescription {
  return { kind: 'files', name, files: [] };
}
