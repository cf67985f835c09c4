// Philox4x32-10 as in core/philox.ts, which also says how elements map to counters. Needs floats.wgsl for multiplyHigh.

fn philox(start: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
  var counter = start;
  var key = seed;
  for (var round = 0u; round < 10u; round++) {
    counter = vec4<u32>(
      multiplyHigh(0xcd9e8d57u, counter.z) ^ counter.y ^ key.x,
      0xcd9e8d57u * counter.z,
      multiplyHigh(0xd2511f53u, counter.x) ^ counter.w ^ key.y,
      0xd2511f53u * counter.x,
    );
    key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return counter;
}
