// Re-merging in place: float32 weights and vector that stay on the device, into the weights that a model runs on. One invocation per element.
// What comes out is what a file of the type STORED would give when it is read again, bit for bit (NaN canonical). Comes after floats.wgsl,
// dtypes.wgsl and a line that says which type STORED is.

// Packed by resident.ts.
struct Params {
  zero: u32,
  elements: u32,
  scale: u32,
  // 0 where the recipe adds nothing at all: then weights stand as they are, also negative zeros.
  adds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<u32>;
@group(0) @binding(2) var<storage, read> vector: array<u32>;
@group(0) @binding(3) var<storage, read_write> live: array<u32>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  // Two dimensions, since one holds 65,535 workgroups and an embedding of 17 million weights has more.
  let i = (workgroup.y * workgroups.x + workgroup.x) * 256u + local;
  if (i < params.elements) {
    live[i] = merged(i);
  }
}

fn merged(i: u32) -> u32 {
  if (params.adds == 0u) {
    return stored(weights[i]);
  }
  return stored(add(weights[i], multiply(params.scale, vector[i])));
}

fn stored(bits: u32) -> u32 {
  if (STORED == F32 || STORED == F64) {
    return canonical(bits);
  }
  return widen(STORED, narrow(STORED, bits));
}
