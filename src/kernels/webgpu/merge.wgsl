// Every op of the merge on every type. What to do is given when the pipeline is made, so each pipeline holds its own op and types only: on a
// software adapter, which runs all branches, that is four times as fast as asking a uniform. Comes after floats.wgsl, dtypes.wgsl and philox.wgsl.

const CONVERT = 0u;
const DIFFERENCE = 1u;
const ADD = 2u;
const DROP = 3u;

// From params.ts, as is the uniform.
override kind: u32;
// The last input is the vector itself; otherwise the last two are what it is the difference of.
override vectorIsStored: bool;
override firstType: u32;
override secondType: u32;
override thirdType: u32;
override outType: u32;

struct Params {
  zero: u32,
  serial: u32,
  elements: u32,
  // Elements before the first in its group of 16.
  lead: u32,
  seed: vec2<u32>,
  name: vec2<u32>,
  // That group, as a counter: low word, high word.
  counter: vec2<u32>,
  threshold: u32,
  scale: u32,
  rescale: u32,
}

// What the host checks and reads back: elements that changed, elements that are not finite, workgroups that ended, the call's serial number.
struct Counts {
  changed: atomic<u32>,
  nonFinite: atomic<u32>,
  workgroups: atomic<u32>,
  serial: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> second: array<u32>;
@group(0) @binding(3) var<storage, read> third: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: Counts;

// 256 invocations of four elements each, so that every one writes whole words of any type.
const WORKGROUP = 256u;
const ELEMENTS = 4u;
// Their 1024 elements begin anywhere in a group of 16, so they reach into 65 groups of four counters.
const COUNTERS = 260u;

var<workgroup> changed: atomic<u32>;
var<workgroup> nonFinite: atomic<u32>;
// Four bits per counter: is the element of that word dropped?
var<workgroup> drops: array<u32, COUNTERS>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  if (kind == DROP) {
    for (var i = local; i < COUNTERS; i += WORKGROUP) {
      drops[i] = dropsOf(workgroup.x * WORKGROUP + i);
    }
    workgroupBarrier();
  }
  let start = (workgroup.x * WORKGROUP + local) * ELEMENTS;
  if (start < params.elements) {
    computeFour(start, local * ELEMENTS + params.lead);
  }
  workgroupBarrier();
  if (local == 0u) {
    atomicAdd(&counts.changed, atomicLoad(&changed));
    atomicAdd(&counts.nonFinite, atomicLoad(&nonFinite));
    atomicAdd(&counts.workgroups, 1u);
    if (workgroup.x == 0u) {
      counts.serial = params.serial;
    }
  }
}

// @param start first of four elements; @param place its place among the workgroup's groups of 16
fn computeFour(start: u32, place: u32) {
  var results: vec4<u32>;
  var changedHere = 0u;
  var nonFiniteHere = 0u;
  for (var i = 0u; i < ELEMENTS; i++) {
    let one = element(0u, firstType, start + i);
    let value = canonical(compute(one, start + i, place + i));
    results[i] = value;
    if (start + i < params.elements) {
      let before = select(canonical(one), 0u, kind == DIFFERENCE);
      changedHere += select(0u, 1u, differs(value, before));
      nonFiniteHere += select(0u, 1u, isNonFinite(value));
    }
  }
  write(start, results);
  if (changedHere > 0u) {
    atomicAdd(&changed, changedHere);
  }
  if (nonFiniteHere > 0u) {
    atomicAdd(&nonFinite, nonFiniteHere);
  }
}

fn compute(one: u32, i: u32, place: u32) -> u32 {
  if (kind == CONVERT) {
    return one;
  }
  let two = element(1u, secondType, i);
  if (kind == DIFFERENCE) {
    return subtract(one, two);
  }
  var vector = two;
  if (kind == DROP || !vectorIsStored) {
    vector = element(2u, thirdType, i);
  }
  if (!vectorIsStored) {
    vector = subtract(two, vector);
  }
  let scaled = multiply(params.scale, vector);
  if (kind == ADD) {
    return add(one, scaled);
  }
  var kept = 0u;
  if (!isDropped(place)) {
    kept = multiply(subtract(one, two), params.rescale);
  }
  return add(add(two, kept), scaled);
}

// Four words of one counter: elements 4 apart.
fn dropsOf(index: u32) -> u32 {
  let low = params.counter.x + index;
  let high = params.counter.y + select(0u, 1u, low < index);
  let words = philox(vec4<u32>(low, high, params.name), params.seed);
  let below = vec4<u32>(words < vec4<u32>(params.threshold));
  return below.x | (below.y << 1u) | (below.z << 2u) | (below.w << 3u);
}

fn isDropped(place: u32) -> bool {
  return ((drops[(place >> 4u) * 4u + (place & 3u)] >> ((place >> 2u) & 3u)) & 1u) != 0u;
}

fn word(input: u32, index: u32) -> u32 {
  switch input {
    case 0u: { return first[index]; }
    case 1u: { return second[index]; }
    default: { return third[index]; }
  }
}

fn element(input: u32, dtype: u32, i: u32) -> u32 {
  switch dtype {
    case F32: { return word(input, i); }
    case F64: { return widenF64(word(input, 2u * i), word(input, 2u * i + 1u)); }
    case F8_E4M3, F8_E5M2: { return widen(dtype, (word(input, i >> 2u) >> ((i & 3u) * 8u)) & 0xffu); }
    default: { return widen(dtype, (word(input, i >> 1u) >> ((i & 1u) * 16u)) & 0xffffu); }
  }
}

fn write(start: u32, values: vec4<u32>) {
  switch outType {
    case F32: {
      for (var i = 0u; i < 4u; i++) {
        result[start + i] = values[i];
      }
    }
    case F64: {
      for (var i = 0u; i < 4u; i++) {
        let words = toF64(values[i]);
        result[2u * (start + i)] = words.x;
        result[2u * (start + i) + 1u] = words.y;
      }
    }
    case F8_E4M3, F8_E5M2: {
      var packed = 0u;
      for (var i = 0u; i < 4u; i++) {
        packed |= narrow(outType, values[i]) << (8u * i);
      }
      result[start >> 2u] = packed;
    }
    default: {
      result[start >> 1u] = narrow(outType, values.x) | (narrow(outType, values.y) << 16u);
      result[(start >> 1u) + 1u] = narrow(outType, values.z) | (narrow(outType, values.w) << 16u);
    }
  }
}

// In value, as stored: -0 is 0, and NaN, which is canonical here, is NaN.
fn differs(value: u32, before: u32) -> bool {
  if (outType == F32 || outType == F64) {
    return value != before && ((value | before) & ~SIGN) != 0u;
  }
  let stored = narrow(outType, value);
  let untouched = narrow(outType, before);
  return stored != untouched && ((stored | untouched) & (formatOf(outType).sign - 1u)) != 0u;
}

fn isNonFinite(value: u32) -> bool {
  let magnitude = value & ~SIGN;
  switch outType {
    case F32, F64: { return magnitude >= INFINITE; }
    // No infinity: what is past 464, halfway beyond the largest, became 448.
    case F8_E4M3: { return magnitude > 0x43e80000u; }
    default: {
      let format = formatOf(outType);
      return (narrow(outType, value) & (format.sign - 1u)) > format.largest;
    }
  }
}
