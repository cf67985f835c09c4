/** What a model is run in. */

/**
 * f32: the checkpoint's own numbers. f16: halves, also between the layers. int8, int4: linear weights in so many bits, blocks of 32 with a
 * scale each; everything else in f32 (on the CPU) or f16 (on a graphics card that has it).
 */
export const PRECISIONS = ['f32', 'f16', 'int8', 'int4'] as const;
export type Precision = (typeof PRECISIONS)[number];
