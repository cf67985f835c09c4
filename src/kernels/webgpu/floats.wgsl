// IEEE 754 binary32 addition and multiplication on bit patterns, rounded to nearest even, the same on every device.
//
// WGSL lets a device flush subnormal numbers, assume that there is no NaN and no infinity, and fuse a product with the sum after it. So the
// device's own adder and multiplier are believed only where normal numbers give a normal number; everything else is done in integers.
// Needs `params.zero` of the shader it stands in.

const SIGN = 0x80000000u;
const INFINITE = 0x7f800000u;
const NAN = 0x7fc00000u;

// The uniform is 0, which no compiler knows: what passes through here can neither be fused with the next operation nor be reordered.
fn opaque(bits: u32) -> u32 {
  return bits ^ params.zero;
}

// A normal number: the exponent is neither 0 nor 255.
fn isNormal(bits: u32) -> bool {
  return (((bits >> 23u) + 1u) & 0xfeu) != 0u;
}

fn isNan(bits: u32) -> bool {
  return (bits & ~SIGN) > INFINITE;
}

fn add(a: u32, b: u32) -> u32 {
  if (isNormal(a) && isNormal(b)) {
    let sum = opaque(bitcast<u32>(bitcast<f32>(a) + bitcast<f32>(b)));
    if (isNormal(sum)) {
      return sum;
    }
  }
  return addInIntegers(a, b);
}

fn subtract(a: u32, b: u32) -> u32 {
  return add(a, b ^ SIGN);
}

fn multiply(a: u32, b: u32) -> u32 {
  if (isNormal(a) && isNormal(b)) {
    let product = opaque(bitcast<u32>(bitcast<f32>(a) * bitcast<f32>(b)));
    if (isNormal(product)) {
      return product;
    }
  }
  return multiplyInIntegers(a, b);
}

// Bits that fall out at the right are remembered in the last one.
fn shiftRightSticky(x: u32, by: u32) -> u32 {
  if (by == 0u) {
    return x;
  }
  if (by > 31u) {
    return select(0u, 1u, x != 0u);
  }
  return (x >> by) | select(0u, 1u, (x << (32u - by)) != 0u);
}

// The significand with its hidden bit; that of a subnormal number as it is, at exponent 1.
fn significand(bits: u32) -> u32 {
  return (bits & 0x7fffffu) | select(0u, 0x800000u, (bits & INFINITE) != 0u);
}

fn exponentOf(bits: u32) -> u32 {
  return max((bits >> 23u) & 0xffu, 1u);
}

fn addInIntegers(a: u32, b: u32) -> u32 {
  let aLarger = (a & ~SIGN) >= (b & ~SIGN);
  let large = select(b, a, aLarger);
  let small = select(a, b, aLarger);
  let sign = large & SIGN;
  let opposed = ((a ^ b) & SIGN) != 0u;
  if ((large & ~SIGN) >= INFINITE) {
    let isUndefined = isNan(large) || (opposed && (small & ~SIGN) == INFINITE);
    return select(large, NAN, isUndefined);
  }
  // Three bits below the last place: guard, round, sticky. The leading place is bit 26.
  var exponent = exponentOf(large);
  let one = significand(large) << 3u;
  let other = shiftRightSticky(significand(small) << 3u, exponent - exponentOf(small));
  var sum = select(one + other, one - other, opposed);
  if (sum == 0u) {
    return select(sign, 0u, opposed);
  }
  if (sum >= 0x8000000u) {
    sum = shiftRightSticky(sum, 1u);
    exponent += 1u;
  } else {
    let by = min(countLeadingZeros(sum) - 5u, exponent - 1u);
    sum = sum << by;
    exponent -= by;
  }
  return sign | rounded(exponent, sum >> 3u, sum & 7u, 4u);
}

fn multiplyInIntegers(a: u32, b: u32) -> u32 {
  let sign = (a ^ b) & SIGN;
  let x = a & ~SIGN;
  let y = b & ~SIGN;
  if (max(x, y) >= INFINITE) {
    return select(sign | INFINITE, NAN, isNan(x) || isNan(y) || min(x, y) == 0u);
  }
  if (min(x, y) == 0u) {
    return sign;
  }
  // Both significands with their leading bit at 31; the lower half of the 64-bit product only says whether there is a rest.
  let xShift = countLeadingZeros(significand(x));
  let yShift = countLeadingZeros(significand(y));
  let xFull = significand(x) << xShift;
  let yFull = significand(y) << yShift;
  var product = multiplyHigh(xFull, yFull) | select(0u, 1u, xFull * yFull != 0u);
  var exponent = i32(exponentOf(x) + exponentOf(y)) - i32(xShift + yShift) + 16 - 126;
  if (product < SIGN) {
    product = product << 1u;
    exponent -= 1;
  }
  if (exponent < 1) {
    product = shiftRightSticky(product, u32(1 - exponent));
    exponent = 1;
  }
  return sign | rounded(u32(exponent), product >> 8u, product & 0xffu, 0x80u);
}

// A significand of 24 bits (fewer only at exponent 1) and what is left below it, of which `half` is half a last place.
fn rounded(exponent: u32, whole: u32, rest: u32, half: u32) -> u32 {
  if (exponent > 254u) {
    return INFINITE;
  }
  let up = rest > half || (rest == half && (whole & 1u) != 0u);
  // The hidden bit adds the 1 by which the exponent is above its place in the sum; so does a carry of the rounding, also to infinity.
  return ((exponent - 1u) << 23u) + whole + select(0u, 1u, up);
}

// The upper half of the 64-bit product.
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let aLow = a & 0xffffu;
  let aHigh = a >> 16u;
  let bLow = b & 0xffffu;
  let bHigh = b >> 16u;
  let low = aLow * bLow;
  let middle = aHigh * bLow + (low >> 16u);
  let carry = aLow * bHigh + (middle & 0xffffu);
  return aHigh * bHigh + (middle >> 16u) + (carry >> 16u);
}
