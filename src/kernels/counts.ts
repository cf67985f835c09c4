/** Counting what a call did, element by element, for the backends that have no faster way of their own. */

import { decodeFloats, type FloatDtype } from '../core/dtype.ts';
import type { Counts } from './kernels.ts';

/** E4M3 has no infinity: float32 values beyond this, which is halfway past its largest, are stored as 448. */
const E4M3_OVERFLOW = 464;

/**
 * @param computed  the results before they were rounded to `dtype`
 * @param stored    their bytes
 * @param untouched what would have been stored had nothing been done (see Counts)
 */
export function countElements(
  computed: Float32Array,
  stored: Uint8Array,
  untouched: Uint8Array,
  dtype: FloatDtype,
): Counts {
  let changed = 0;
  let nonFinite = 0;
  const [now, before] = [decodeFloats(stored, dtype), decodeFloats(untouched, dtype)];
  const limit = dtype === 'F8_E4M3' ? E4M3_OVERFLOW : Number.POSITIVE_INFINITY;
  for (let i = 0; i < now.length; i++) {
    const a = now[i]!;
    const b = before[i]!;
    if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) changed++;
    if (!Number.isFinite(a) || Math.abs(computed[i]!) > limit) nonFinite++;
  }
  return { changed, unchanged: now.length - changed, nonFinite };
}
