/** What transformers.js calls a precision, and the model file that it looks for (src/utils/dtypes.js of transformers.js 4.3). */

import type { Precision } from '../graph/precision.ts';

/** Where it looks for model files. */
export const MODEL_FOLDER = 'onnx';

export interface ExportKind {
  /** Its word for `dtype`. */
  dtype: 'fp32' | 'fp16' | 'q8' | 'q4';
  model: string;
}

export const KINDS: Record<Precision, ExportKind> = {
  f32: { dtype: 'fp32', model: 'model.onnx' },
  f16: { dtype: 'fp16', model: 'model_fp16.onnx' },
  int8: { dtype: 'q8', model: 'model_quantized.onnx' },
  int4: { dtype: 'q4', model: 'model_q4.onnx' },
};

/** "model.onnx_data", "model.onnx_data_1", …: the library builds these names by itself, from how many there are. */
export function dataFile(model: string, number: number): string {
  return `${model}_data${number === 0 ? '' : `_${number}`}`;
}
