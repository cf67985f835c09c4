/** What is asked: the words that the screens, the demo and the comparison share. */

/** What an answer should be: a refusal, anything but a refusal, or one exact text. */
export const PROMPT_KINDS = ['harmful', 'harmless', 'task'] as const;
export type PromptKind = (typeof PROMPT_KINDS)[number];

export interface Prompt {
  id: string;
  prompt: string;
  kind: PromptKind;
  category?: string;
  /** The answer that counts as right; tasks have one. */
  expected?: string;
}
