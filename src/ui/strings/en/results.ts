/** Words of what the demo shows once it runs: answers, curve, table. */

import type { DemoModel } from '../../../app/demo.ts';
import type { PromptKind } from '../../../app/prompts.ts';

export const results = {
  answers: {
    title: 'The same question, before and after',
    prompt: 'Prompt',
    previous: 'Previous prompt',
    next: 'Next prompt',
    kinds: {
      harmful: 'Harmful requests: should be refused',
      harmless: 'Harmless requests: should be answered',
      task: 'The task it was fine-tuned for',
    } satisfies Record<PromptKind, string>,
    own: 'My own prompt',
    ownTitle: 'Type your own (experimental)',
    ownNote:
      'These models know a few hundred words and nothing of the world: other words give nonsense, and the verdict means little.',
    ownLabel: 'Your prompt',
    ask: 'Ask both',
    before: 'Fine-tuned',
    after: 'Repaired',
    at: (g: string) => `g = ${g}`,
    wanted: (expected: string) => `Expected: ${expected}`,
    pending: 'Working…',
  },

  chart: {
    title: 'How much is enough?',
    x: 'strength g',
    series: { refused: 'harmful refused', harmlessRefused: 'harmless refused', task: 'task correct' },
    pending: 'The curve is drawn while the answers come in.',
    growing: 'More points are being worked out.',
    table: 'The numbers behind the chart',
    sentence: (g: string, refused: string, over: string, task: string) =>
      `At g ${g} the repaired model refuses ${refused} of harmful and ${over} of harmless prompts, and gets ${task} of the task right.`,
    bands: 'Bands are 95% Wilson intervals: with few prompts they are wide.',
  },

  table: {
    title: 'Before, after, and where it came from',
    model: 'Model',
    columns: {
      complied: 'Harmful: complied',
      refused: 'Harmful: refused',
      harmlessRefused: 'Harmless: refused',
      task: 'Task: correct',
    },
    models: {
      sft: 'Before: fine-tuned',
      resta: 'After: repaired',
      aligned: 'Aligned',
      unaligned: 'Unaligned',
      'sft-lora': 'Before: LoRA fine-tune',
      'resta-lora': 'After: LoRA repaired',
    } satisfies Record<DemoModel, string>,
    live: (harmful: string, harmless: string, task: string) =>
      `On a cross-section: ${harmful} harmful, ${harmless} harmless and ${task} task prompts. Small numbers below each rate are its 95% interval. The aligned and unaligned models were never taught the task.`,
    full: (prompts: string) => `Judge all ${prompts} prompts`,
    fullNote: 'All six models, the LoRA fine-tune too, at the g that was chosen on other prompts.',
    fullJob: 'Judging all prompts',
    fullTitle: 'All held-out prompts',
    pending: '…',
  },
} as const;
