/** Path of the compiled module, made first if a source is newer. */
export function buildKernels(): Promise<string>;
