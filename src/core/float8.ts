/**
 * The two 8-bit floats of checkpoints (arXiv 2209.05433), as PyTorch's float8_e4m3fn and float8_e5m2 convert them. E4M3 spends infinity on
 * range: one NaN per sign, 448 the largest, and what is larger becomes 448 (PyTorch 2.12 and later; earlier ones made it NaN). E5M2 is a
 * shortened binary16. Not the place for scales that some formats keep beside their 8-bit tensors.
 */

export type Float8 = 'F8_E4M3' | 'F8_E5M2';

interface Format {
  fractionBits: number;
  bias: number;
  /** Magnitude pattern of the largest finite value. */
  largest: number;
  /** What is beyond it by half a last place or more. */
  overflow: number;
}

const FORMATS: Record<Float8, Format> = {
  F8_E4M3: { fractionBits: 3, bias: 7, largest: 0x7e, overflow: 0x7e },
  F8_E5M2: { fractionBits: 2, bias: 15, largest: 0x7b, overflow: 0x7c },
};

/** Both types' NaN as PyTorch writes it, without its sign. */
const NAN = 0x7f;

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** Bits -> number, exact. */
export function f8ToFloat(bits: number, dtype: Float8): number {
  const { fractionBits, bias, largest } = FORMATS[dtype];
  const sign = bits & 0x80 ? -1 : 1;
  const magnitude = bits & 0x7f;
  if (magnitude > largest)
    return dtype === 'F8_E5M2' && magnitude === 0x7c ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  const exponent = magnitude >> fractionBits;
  const fraction = magnitude & ((1 << fractionBits) - 1);
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits);
}

/** float32 value -> bits, nearest even; NaN becomes 0x7f. */
export function floatToF8(value: number, dtype: Float8): number {
  f32[0] = value;
  const top = (u32[0]! >>> STICKY_BITS) << 1;
  return narrowTable(dtype)[top | (u32[0]! & STICKY_MASK ? 1 : 0)]!;
}

/** Bytes -> float32 values, exact. */
export function decodeFloat8(bytes: Uint8Array, dtype: Float8): Float32Array {
  const table = wideTable(dtype);
  const out = new Float32Array(bytes.length);
  for (let i = 0; i < out.length; i++) out[i] = table[bytes[i]!]!;
  return out;
}

/** float32 values -> bytes, each rounded once. */
export function encodeFloat8(values: Float32Array, dtype: Float8): Uint8Array {
  const table = narrowTable(dtype);
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint8Array(words.length);
  for (let i = 0; i < out.length; i++) {
    const word = words[i]!;
    out[i] = table[((word >>> STICKY_BITS) << 1) | (word & STICKY_MASK ? 1 : 0)]!;
  }
  return out;
}

/**
 * Sign, exponent and four fraction bits of a float32 hold what either type keeps and the bit after it; of the other 19 bits rounding only
 * asks whether any is set. So 2 * 2^13 entries say how every float32 rounds.
 */
const STICKY_BITS = 19;
const STICKY_MASK = 2 ** STICKY_BITS - 1;

const wideTables = new Map<Float8, Float32Array>();
const narrowTables = new Map<Float8, Uint8Array>();

function wideTable(dtype: Float8): Float32Array {
  const made = wideTables.get(dtype) ?? Float32Array.from({ length: 256 }, (_, bits) => f8ToFloat(bits, dtype));
  wideTables.set(dtype, made);
  return made;
}

function narrowTable(dtype: Float8): Uint8Array {
  const made =
    narrowTables.get(dtype) ??
    Uint8Array.from({ length: 2 ** (33 - STICKY_BITS) }, (_, entry) => {
      u32[0] = ((entry >>> 1) << STICKY_BITS) | (entry & 1);
      return rounded(f32[0]!, u32[0]!, FORMATS[dtype]);
    });
  narrowTables.set(dtype, made);
  return made;
}

/** By the definition: the value (`word` its bits) in steps of the last place at its exponent, to a whole number of them, ties to even. */
function rounded(value: number, word: number, { fractionBits, bias, largest, overflow }: Format): number {
  if (Number.isNaN(value)) return NAN;
  const sign = (word >>> 31) << 7;
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return sign | overflow;
  const exponent = Math.max(1 - bias, ((word >>> 23) & 0xff) - 127);
  const steps = magnitude / 2 ** (exponent - fractionBits);
  const below = Math.floor(steps);
  const rest = steps - below;
  const whole = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  // A normal number's leading 1, at bit `fractionBits`, adds the 1 by which the exponent field is above its place in the sum.
  const pattern = ((exponent - (1 - bias)) << fractionBits) + whole;
  return sign | (pattern > largest ? overflow : pattern);
}
