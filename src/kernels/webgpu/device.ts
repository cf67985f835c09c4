/** The graphics card as the browser shows it: an adapter with a name, and a device of our own with what the kernels need of its limits. */

/** The most that what lies across a LoRA's lines may take; a device that allows less is taken as it is. */
const ACROSS_BYTES = 256 * 2 ** 20;

/** Undefined where the browser has no WebGPU or no adapter. */
export async function requestAdapter(): Promise<GPUAdapter | undefined> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  return (await gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? undefined;
}

/** A device that nobody else uses or loses. @throws what the browser says where it gives none */
export function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const bytes = Math.min(ACROSS_BYTES, adapter.limits.maxStorageBufferBindingSize, adapter.limits.maxBufferSize);
  return adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize: bytes, maxBufferSize: bytes } });
}

/** Adapters that compute on the processor, by the words browsers use for them; slower than WebAssembly on the same processor. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

export function isSoftware({ info }: GPUAdapter): boolean {
  return (
    info.isFallbackAdapter || SOFTWARE.test(`${info.vendor} ${info.architecture} ${info.device} ${info.description}`)
  );
}

/** What the browser tells of it, for people; often only the maker and the generation. */
export function nameOf({ info }: GPUAdapter): string {
  return (
    info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'a graphics card without a name'
  );
}
