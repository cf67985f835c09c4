// Folding a LoRA into base weights: one invocation per element, the sum over the rank in ascending order, each product and sum rounded by
// itself (low-rank.ts). Comes after floats.wgsl and dtypes.wgsl.

const NO_FACTORS = 0u;
const FACTOR_PER_LINE = 1u;

// From params.ts, as is the uniform.
override baseType: u32;
override factors: u32;

struct Params {
  zero: u32,
  serial: u32,
  elements: u32,
  rank: u32,
  // Elements of a line, and those of the first line that come before this run.
  width: u32,
  before: u32,
  scale: u32,
  // Where the factors begin, after the numbers of `lines` or of `across`.
  factorsAt: u32,
}

// As in merge.wgsl; what changed is not asked for here.
struct Counts {
  changed: u32,
  nonFinite: u32,
  workgroups: atomic<u32>,
  serial: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> base: array<u32>;
// [lines of this run, rank]
@group(0) @binding(2) var<storage, read> lines: array<u32>;
// [rank, width]: neighbouring invocations read neighbouring words.
@group(0) @binding(3) var<storage, read> across: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: Counts;

@compute @workgroup_size(256)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  if (id.x < params.elements) {
    result[id.x] = canonical(folded(id.x));
  }
  if (local == 0u) {
    atomicAdd(&counts.workgroups, 1u);
    if (workgroup.x == 0u) {
      counts.serial = params.serial;
    }
  }
}

fn folded(i: u32) -> u32 {
  let line = (params.before + i) / params.width;
  let column = (params.before + i) % params.width;
  var sum = 0u;
  for (var k = 0u; k < params.rank; k++) {
    sum = add(sum, multiply(lines[line * params.rank + k], across[k * params.width + column]));
  }
  let whole = add(weight(i), multiply(params.scale, sum));
  if (factors == NO_FACTORS) {
    return whole;
  }
  if (factors == FACTOR_PER_LINE) {
    return multiply(lines[params.factorsAt + line], whole);
  }
  return multiply(across[params.factorsAt + column], whole);
}

fn weight(i: u32) -> u32 {
  switch baseType {
    case F32: { return base[i]; }
    case F64: { return widenF64(base[2u * i], base[2u * i + 1u]); }
    case F8_E4M3, F8_E5M2: { return widen(baseType, (base[i >> 2u] >> ((i & 3u) * 8u)) & 0xffu); }
    default: { return widen(baseType, (base[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu); }
  }
}
