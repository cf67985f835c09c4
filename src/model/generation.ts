/** What a run of a model gives back; plain data that crosses threads. */

export type StopReason = 'eos' | 'length' | 'cancelled';

export interface Generation {
  prompt: string;
  /** The new tokens decoded, special tokens left out, up to the first stop token. */
  text: string;
  /** Ids of the new tokens, the stop token left out. */
  tokens: number[];
  stopReason: StopReason;
}

export type ModelBackend = 'wasm' | 'webgpu';

/** 'auto' is the graphics card where there is a real one (not one computed on the processor) that passes the self-test. */
export type ModelWish = ModelBackend | 'auto';

export interface LoadOptions {
  backend: ModelWish;
  /** Of the CPU backend; counts at the first load of a worker only. Default: measured in bench/model. */
  threads?: number;
}

export interface LoadedModel {
  /** By which the worker knows it. */
  id: number;
  /** `model_type` of its config. */
  modelType: string;
  /** The one that runs it, which need not be the one asked for. */
  backend: ModelBackend;
  /** Why it is another backend than asked for. */
  note?: string;
  parameters: number;
  vocabulary: number;
  /** From the call to ready. */
  seconds: number;
}
