// Stored types to float32 bit patterns (exact, but that F64 is rounded once) and back (one rounding to nearest even, NaN canonical), in integers:
// what a device does with subnormal numbers has no say. The codes of the types are those of params.ts. Needs floats.wgsl.

const F32 = 0u;
const BF16 = 1u;
const F16 = 2u;
const F8_E4M3 = 3u;
const F8_E5M2 = 4u;
const F64 = 5u;

// A type of 16 bits or fewer. `overflow` is what stands for everything beyond `largest`: infinity, where the type has one.
struct Format {
  fractionBits: u32,
  bias: u32,
  sign: u32,
  largest: u32,
  overflow: u32,
  nan: u32,
}

fn formatOf(dtype: u32) -> Format {
  switch dtype {
    case BF16: { return Format(7u, 127u, 0x8000u, 0x7f7fu, 0x7f80u, 0x7fc0u); }
    case F16: { return Format(10u, 15u, 0x8000u, 0x7bffu, 0x7c00u, 0x7e00u); }
    case F8_E4M3: { return Format(3u, 7u, 0x80u, 0x7eu, 0x7eu, 0x7fu); }
    default: { return Format(2u, 15u, 0x80u, 0x7bu, 0x7cu, 0x7fu); }
  }
}

fn widen(dtype: u32, pattern: u32) -> u32 {
  if (dtype == BF16) {
    return pattern << 16u;
  }
  let format = formatOf(dtype);
  let magnitude = pattern & (format.sign - 1u);
  let sign = select(0u, SIGN, (pattern & format.sign) != 0u);
  if (magnitude > format.largest) {
    return select(NAN, sign | INFINITE, magnitude == format.overflow);
  }
  if (magnitude == 0u) {
    return sign;
  }
  let up = 23u - format.fractionBits;
  if ((magnitude >> format.fractionBits) != 0u) {
    return sign | ((magnitude << up) + ((127u - format.bias) << 23u));
  }
  // Subnormal in its type, normal in float32: the leading bit moves to the hidden place.
  let by = countLeadingZeros(magnitude) - 8u;
  let exponent = 127u - format.bias + 1u + up - by;
  return sign | (((exponent - 1u) << 23u) + (magnitude << by));
}

fn widenF64(low: u32, high: u32) -> u32 {
  let sign = high & SIGN;
  let exponent = i32((high >> 20u) & 0x7ffu) - 1023 + 127;
  let fraction = high & 0xfffffu;
  if (exponent > 254) {
    return select(sign | INFINITE, NAN, exponent == 1151 && (fraction | low) != 0u);
  }
  if (exponent < -24) {
    return sign; // less than half of the least float32
  }
  // 24 bits of significand, then five more, the last of which remembers the other 24.
  let rest = (low >> 24u) & 0x1fu;
  var wide = ((fraction | 0x100000u) << 8u) | ((low >> 29u) << 5u) | rest;
  wide |= select(0u, 1u, (low & 0xffffffu) != 0u);
  if (exponent < 1) {
    wide = shiftRightSticky(wide, u32(1 - exponent));
  }
  return sign | rounded(u32(max(exponent, 1)), wide >> 5u, wide & 0x1fu, 0x10u);
}

// To a type of 16 bits or fewer.
fn narrow(dtype: u32, bits: u32) -> u32 {
  let format = formatOf(dtype);
  if (isNan(bits)) {
    return format.nan;
  }
  let sign = select(0u, format.sign, (bits & SIGN) != 0u);
  if ((bits & ~SIGN) == INFINITE) {
    return sign | format.overflow;
  }
  let exponent = i32(exponentOf(bits)) - 127 + i32(format.bias);
  // 31 is far enough: a significand of 24 bits is gone, and below half, from 25 on.
  let by = min(23u - format.fractionBits + u32(max(1 - exponent, 0)), 31u);
  let whole = significand(bits) >> by;
  let rest = significand(bits) & ((1u << by) - 1u);
  let half = 1u << (by - 1u);
  let up = select(0u, 1u, rest > half || (rest == half && (whole & 1u) != 0u));
  let pattern = (u32(max(exponent - 1, 0)) << format.fractionBits) + whole + up;
  return sign | select(pattern, format.overflow, pattern > format.largest);
}

fn canonical(bits: u32) -> u32 {
  return select(bits, NAN, isNan(bits));
}

// Low word, high word; exact.
fn toF64(bits: u32) -> vec2<u32> {
  let sign = bits & SIGN;
  let magnitude = bits & ~SIGN;
  if (magnitude == 0u) {
    return vec2<u32>(0u, sign);
  }
  if (magnitude >= INFINITE) {
    return vec2<u32>(0u, select(sign | 0x7ff00000u, 0x7ff80000u, isNan(bits)));
  }
  let by = countLeadingZeros(significand(bits)) - 8u;
  let whole = significand(bits) << by;
  let exponent = exponentOf(bits) - by + 1023u - 127u;
  return vec2<u32>(whole << 29u, sign | (((exponent - 1u) << 20u) + (whole >> 3u)));
}
