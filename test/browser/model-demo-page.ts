/** The page's half of the comparison with PyTorch; runs in the browser. */

import { type DemoModel, loadDemoModel, loadFamily } from '../../src/app/demo.ts';
import { openModelHost } from '../../workers/client.ts';

const KINDS = ['harmful', 'harmless', 'task'] as const;

interface AllAnswers {
  answers: Record<string, string[]>;
  loadSeconds: number;
  seconds: number;
  tokensPerSecond: number;
}

declare global {
  interface Window {
    answerAll(name: string): Promise<AllAnswers>;
  }
}

// The family lies beside the page's own address, which is the root here.
document.head.append(Object.assign(document.createElement('base'), { href: '/' }));
const host = openModelHost();
const family = loadFamily();

/** The texts of one model of the family, at the strength the family proposes. */
window.answerAll = async (name) => {
  const { prompts, proposedG, proposedGLora, maxNewTokens } = await family;
  const g = name.includes('lora') ? proposedGLora : proposedG;
  const model = await loadDemoModel(host, await family, name as DemoModel, g);
  const all = KINDS.flatMap((kind) => prompts[kind].map(({ prompt }) => prompt));
  const begun = performance.now();
  const result = await host.generate(model.id, all, { maxNewTokens }, () => {}, new AbortController().signal);
  const seconds = (performance.now() - begun) / 1000;
  await host.release(model.id);
  const texts = result.answers.map((answer) => answer.text);
  const answers = Object.fromEntries(KINDS.map((kind) => [kind, texts.splice(0, prompts[kind].length)]));
  return { answers, loadSeconds: model.seconds, seconds, tokensPerSecond: result.tokensPerSecond };
};
