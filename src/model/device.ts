/**
 * The WebGPU device that sessions run on: our own, requested without subgroups. onnxruntime's attention kernel for devices with
 * subgroups of four gives wrong logits for prompts of 32 tokens and more (seen on SwiftShader, onnxruntime-web 1.30).
 */

import { AppError } from '../core/errors.ts';

/** Raised to what the adapter has; the defaults (128 MiB for a binding) are too small for the embedding of a 1 B model. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies (keyof GPUSupportedLimits)[];

/** Rejects with AppError 'backend-unavailable' where there is no WebGPU, no adapter, or no device to be had. */
export async function openDevice(): Promise<GPUDevice> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new AppError(
      'backend-unavailable',
      'This browser offers no graphics card for computing (WebGPU).',
      'Run on the CPU, or look whether WebGPU is switched off in the browser or its graphics driver is blocked.',
      { missing: navigator.gpu === undefined ? 'navigator.gpu' : 'adapter' },
    );
  }
  const requiredFeatures = (['shader-f16'] as const).filter((feature) => adapter.features.has(feature));
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  try {
    return await adapter.requestDevice({ requiredFeatures, requiredLimits });
  } catch (error) {
    throw new AppError(
      'backend-unavailable',
      `The graphics card refused to open: ${error}`,
      'Run on the CPU, or restart the browser.',
      {
        error: String(error),
      },
    );
  }
}
