/** Path of the compiled kernels, made first if a source is newer; the SHA-256 module is made with them. */
export function buildKernels(): Promise<string>;
/** Path of the compiled SHA-256 module. */
export function buildHash(): Promise<string>;
