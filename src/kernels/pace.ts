/** How fast a backend merges on this computer, there and back: what decides between them where both are right. */

import type { Elements, Kernels } from './kernels.ts';

/** Bytes of one operand: what the merge hands over at a time (merge/run/pieces.ts). */
const BYTES = 2 * 2 ** 20;

/**
 * RESTA on bf16, as many calls under way as the backend likes; the first call, which may compile, does not count.
 * @returns GB/s read and written
 */
export async function pace(kernels: Kernels, milliseconds: number): Promise<number> {
  const inputs = [1, 2, 3].map(weights);
  const op = { kind: 'add-scaled-difference', scale: 0.5 } as const;
  const outs = Array.from(
    { length: kernels.parallel },
    () => ({ dtype: 'BF16', bytes: new Uint8Array(BYTES) }) as const,
  );
  await kernels.apply(op, inputs, outs[0]!, 0);
  const start = performance.now();
  let calls = 0;
  const keepGoing = async (out: Elements) => {
    do {
      await kernels.apply(op, inputs, out, 0);
      calls++;
    } while (performance.now() - start < milliseconds);
  };
  await Promise.all(outs.map(keepGoing));
  return (calls * (inputs.length + 1) * BYTES) / 1e6 / (performance.now() - start);
}

/** Normal numbers of about 0.01, no two models alike: what is zero or not normal may take another way through a kernel. */
function weights(model: number): Elements {
  const halves = Uint16Array.from(
    { length: BYTES / 2 },
    (_, i) => 0x3c00 + (Math.imul(i + 1, 2654435761 * model) >>> 24),
  );
  return { dtype: 'BF16', bytes: new Uint8Array(halves.buffer) };
}
