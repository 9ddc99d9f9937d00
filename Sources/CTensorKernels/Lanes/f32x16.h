// Arithmetic on sixteen f32 that every path carries out alike, so that results have the same bits on each. Included
// once by a path's file, after the path's own header, which defines:
//
//   load16(from), store16(to, value)
//   load_first(from, count, filler), store_first(to, value, count)
//       the first `count` (0...16) of sixteen elements; memory beyond them is not touched
//   fma16(x, y, z)
//       x · y + z, rounded once
//   greater_of(x, y)
//       x > y ? x : y, and so y where either is NaN

MW_ALWAYS_INLINE mw_f32x16 splat(float value) { return value - (mw_f32x16){0}; }

MW_ALWAYS_INLINE float total_of_lanes(mw_f32x16 x) {
    x += __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    x += __builtin_shufflevector(x, x, 2, 3, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return x[0] + x[1];
}

MW_ALWAYS_INLINE float greatest_of_lanes(mw_f32x16 x) {
    x = greater_of(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
    x = greater_of(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    x = greater_of(x, __builtin_shufflevector(x, x, 2, 3, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    return x[0] > x[1] ? x[0] : x[1];
}

/// e^x of each x that is not above 0, within 1.1 ULP down to 2^-126; from -87.7 down, -inf among it, 0. NaN stays NaN.
///
/// As mw_exp, but e^r is one polynomial of degree 6 (least relative error, 2^-25.7, on ±½ ln 2), and 2^n is one factor:
/// n + 127 lies in 0...127, where 0 makes the factor 0.
MW_ALWAYS_INLINE mw_f32x16 exp_of_nonpositive(mw_f32x16 x) {
    const mw_f32x16 shifter = splat(0x1.8p23f + 127.0f);
    const mw_f32x16 clamped = greater_of(splat(-88.0f), x);
    const mw_f32x16 shifted = fma16(clamped, splat(0x1.715476p0f), shifter);
    const mw_f32x16 n = shifted - shifter;
    mw_f32x16 r = fma16(n, splat(-0x1.62e400p-1f), clamped);
    r = fma16(n, splat(-0x1.7f7d1cp-20f), r);
    mw_f32x16 e = fma16(splat(0x1.6ae6e0p-10f), r, splat(0x1.1267d8p-7f));
    e = fma16(e, r, splat(0x1.555824p-5f));
    e = fma16(e, r, splat(0x1.555418p-3f));
    e = fma16(e, r, splat(0x1.fffffcp-2f));
    e = fma16(e, r, splat(1.0f));
    e = fma16(e, r, splat(1.0f));
    return e * (mw_f32x16)((mw_u32x16)shifted << 23);
}
