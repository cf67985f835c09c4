/** F64 to float32 and back: a stored type only, the arithmetic on it is that of F32. Elements in steps of 4. */

// @ts-nocheck: AssemblyScript

/** Rounded once, to nearest even. */
export function widen64(out: usize, stored: usize, elements: i32): void {
  for (let i: usize = 0; i < <usize>elements; i += 4) {
    const first = f32x4.demote_f64x2_zero(v128.load(stored + (i << 3)));
    const second = f32x4.demote_f64x2_zero(v128.load(stored + (i << 3), 16));
    v128.store(out + (i << 2), i64x2.shuffle(first, second, 0, 2));
  }
}

/** Exact, NaN canonical. */
export function narrow64(out: usize, values: usize, elements: i32): void {
  for (let i: usize = 0; i < <usize>elements; i += 2) {
    const wide = f64x2.promote_low_f32x4(v128.load64_zero(values + (i << 2)));
    v128.store(out + (i << 3), v128.bitselect(i64x2.splat(0x7ff8000000000000), wide, f64x2.ne(wide, wide)));
  }
}
