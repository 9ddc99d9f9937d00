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
//   look_up8(table, index)
//       table[index % 8] for each index, of a table whose second half repeats the first

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

/// e^x of each x that is not above 0, with a relative error of at most 2^-24 · (2 + |x| / 20) down to 2^-126; below,
/// -inf among it, 0. NaN stays NaN.
///
/// x = n (ln 2) / 8 + r, and e^x = S + S (e^r - 1) with S = 2^(n/8), of which a table has the eight significands. With
/// r so small, e^r - 1 is a polynomial of degree 3 (minimax by Lawson's iteration, 2^-25.2): half the multiplications
/// that ±½ ln 2 takes. One step makes r, because an f32 has ln 2 but for 2^-28 of it: less than x itself, a difference
/// of two scores, has lost.
MW_ALWAYS_INLINE mw_f32x16 exp_of_nonpositive(mw_f32x16 x) {
    // The bits of 2^(j/8), less j << 20: what n << 20 puts back below the exponent, and n / 8 into it.
    const mw_u32x16 eighths = {
        0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7, 0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7,
        0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7, 0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7,
    };
    const mw_f32x16 shifter = splat(0x1.8p23f);
    const mw_f32x16 shifted = fma16(x, splat(0x1.715476p3f), shifter);
    const mw_f32x16 r = fma16(shifted - shifter, splat(-0x1.62e430p-4f), x);
    const mw_u32x16 n = (mw_u32x16)shifted;
    const mw_f32x16 s = (mw_f32x16)(look_up8(eighths, n) + (n << 20));
    const mw_f32x16 q = fma16(fma16(splat(0x1.555656p-3f), r, splat(0x1.000874p-1f)), r * r, r);
    return (mw_f32x16)((mw_u32x16)fma16(s, q, s) & ~(mw_u32x16)(x < splat(-0x1.5d58a0p6f)));
}
