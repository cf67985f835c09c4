/** How long work tells how far it is. One shape for merges, loads, generations; the views turn it into bars, titles and ETA. */

export interface Progress {
  /** What is being done now, in the reader's words: "model-00001-of-00002.safetensors", "answers of sft". */
  label: string;
  /** Units done and in all; bytes for merges and loads, prompts for generations. */
  done: number;
  total: number;
  unit: 'bytes' | 'prompts' | 'steps';
}

export type OnProgress = (progress: Progress) => void;
