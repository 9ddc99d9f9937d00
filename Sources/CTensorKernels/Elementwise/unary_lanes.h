// Functions of one f32 that are polynomials of which tables have the coefficients, sixteen elements at a time. Included
// once by each path's file, after Lanes/f32x16.h.

/// A table for `look_up8`.
#define MW_TWICE(...) {__VA_ARGS__, __VA_ARGS__}

/// tanh x within 1.0820 units in the last place.
///
/// tanh -|x| is a polynomial of degree 7 of -|x| - c on each of eight intervals, minimax by Lawson's iteration. The
/// exponent and the first bit behind it of |x| + 0.75 are the index: the intervals end at 0.25, 0.75, 1.25, 2.25, 3.25,
/// 5.25 and 7.25. c is where tanh is almost an f32, and 0 next to 0, where the error has to be relative to x. It takes
/// no division, and fewer instructions than e^{2|x|} does.
MW_ALWAYS_INLINE mw_f32x16 tanh16(mw_f32x16 x) {
    const mw_f32x16 c = MW_TWICE(
        -0x1.bff09ap0f, -0x1.5fe7f2p1f, -0x1.102188p2f, -0x1.9002f8p2f, -0x1.03fdc6p3f, 0.0f, -0x1.ffe044p-2f,
        -0x1.ffd33ep-1f);
    const mw_f32x16 p0 = MW_TWICE(
        -0x1.e1f878p-1f, -0x1.fbd37ap-1f, -0x1.ffcae4p-1f, -0x1.ffff06p-1f, -0x1.fffffap-1f, 0.0f, -0x1.d91c48p-2f,
        -0x1.85dcdep-1f);
    const mw_f32x16 p1 = MW_TWICE(
        0x1.d26178p-4f, 0x1.0a0ac2p-6f, 0x1.a8c650p-11f, 0x1.f3fae2p-17f, 0x1.78a050p-22f, 0x1.000000p0f,
        0x1.92b4d0p-1f, 0x1.ae4706p-2f);
    const mw_f32x16 p2 = MW_TWICE(
        0x1.b70454p-4f, 0x1.07df8ap-6f, 0x1.a8deb8p-11f, 0x1.f45006p-17f, 0x1.240cd4p-22f, 0x1.48d6f4p-25f,
        0x1.741e36p-2f, 0x1.47a2a4p-2f);
    const mw_f32x16 p3 = MW_TWICE(
        0x1.01cf8ep-4f, 0x1.5a14a6p-7f, 0x1.1b0886p-11f, 0x1.4d8ef0p-17f, 0x1.f3b8c0p-23f, -0x1.555494p-2f,
        -0x1.8230ccp-4f, 0x1.a83686p-4f);
    const mw_f32x16 p4 = MW_TWICE(
        0x1.8261ccp-6f, 0x1.4eb064p-8f, 0x1.1757e8p-12f, 0x1.497c5cp-18f, 0x1.9db22ep-22f, 0x1.2b214cp-14f,
        -0x1.5139cap-3f, -0x1.c7c5cep-6f);
    const mw_f32x16 p5 = MW_TWICE(
        0x1.e6cceep-9f, 0x1.f3d264p-10f, 0x1.bd9118p-14f, 0x1.0792a4p-19f, 0x1.d797bcp-25f, 0x1.12b194p-3f,
        -0x1.bad3e6p-6f, -0x1.7bf902p-5f);
    const mw_f32x16 p6 = MW_TWICE(
        -0x1.39b076p-9f, 0x1.1e68b6p-11f, 0x1.53a326p-15f, 0x1.974752p-21f, -0x1.c9a788p-23f, 0x1.16edacp-8f,
        0x1.955234p-5f, -0x1.28ec28p-6f);
    const mw_f32x16 p7 = MW_TWICE(
        -0x1.0c2aacp-9f, 0x1.a75fd2p-14f, 0x1.7d8f20p-17f, 0x1.d0ba40p-23f, -0x1.97a6e2p-28f, -0x1.6c2f72p-5f,
        0x1.aae442p-6f, 0x1.8be370p-9f);
    const mw_u32x16 sign = (mw_u32x16)splat(-0.0f);
    // From here on tanh is -1. In this order NaN stays.
    const mw_f32x16 a = greater_of(splat(-9.0109f), (mw_f32x16)((mw_u32x16)x | sign));
    const mw_u32x16 index = (mw_u32x16)(a - splat(0.75f)) >> 22;
    const mw_f32x16 t = a - (mw_f32x16)look_up8((mw_u32x16)c, index);
    mw_f32x16 p = fma16((mw_f32x16)look_up8((mw_u32x16)p7, index), t, (mw_f32x16)look_up8((mw_u32x16)p6, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p5, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p4, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p3, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p2, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p1, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p0, index));
    return (mw_f32x16)(((mw_u32x16)p & ~sign) | ((mw_u32x16)x & sign));
}

/// erf x within 1.3427 units in the last place, made as tanh is, of degree 6. The exponent and the first two bits
/// behind it of |x| + 1.5 are the index: the intervals end at 0.25, 0.5, 1, 1.5, 2, 2.5 and 3.5.
MW_ALWAYS_INLINE mw_f32x16 erf16(mw_f32x16 x) {
    const mw_f32x16 c = MW_TWICE(
        -0x1.800e58p-1f, -0x1.3ffa92p0f, -0x1.c005b8p0f, -0x1.1ffc88p1f, -0x1.7ffaa2p1f, -0x1.dad1a8p1f, 0.0f,
        -0x1.800baap-2f);
    const mw_f32x16 p0 = MW_TWICE(
        -0x1.6c25d0p-1f, -0x1.d883ccp-1f, -0x1.f92da2p-1f, -0x1.ff402ep-1f, -0x1.fffd1ap-1f, -0x1.fffffap-1f, 0.0f,
        -0x1.9ddc42p-2f);
    const mw_f32x16 p1 = MW_TWICE(
        0x1.49207ep-1f, 0x1.e47eeap-3f, 0x1.b03310p-5f, 0x1.d44d0ap-8f, 0x1.25a6d0p-13f, 0x1.3fa592p-20f,
        0x1.06eba8p-3f, 0x1.f5ec84p-1f);
    const mw_f32x16 p2 = MW_TWICE(
        0x1.edc314p-2f, 0x1.2eca44p-2f, 0x1.7a31bcp-4f, 0x1.076806p-6f, 0x1.b71604p-12f, -0x1.500f9cp-18f,
        0x1.0f2d74p-21f, 0x1.787cd2p-2f);
    const mw_f32x16 p3 = MW_TWICE(
        0x1.b6f8d0p-6f, 0x1.5717fep-3f, 0x1.714c62p-4f, 0x1.641af8p-6f, 0x1.9306bap-11f, 0x1.6ca19ep-17f,
        -0x1.811eeap-2f, -0x1.e0f754p-3f);
    const mw_f32x16 p4 = MW_TWICE(
        -0x1.3488dap-3f, 0x1.9041b8p-8f, 0x1.8a1096p-5f, 0x1.38d8e0p-6f, 0x1.0eed38p-10f, 0x1.31c43cp-11f,
        0x1.410860p-11f, -0x1.552d68p-3f);
    const mw_f32x16 p5 = MW_TWICE(
        -0x1.a407b2p-5f, -0x1.7f630ep-5f, 0x1.87a34ep-8f, 0x1.5ad35ap-7f, 0x1.377ac8p-10f, 0x1.db7648p-17f,
        0x1.e2ea68p-4f, 0x1.73c4d2p-5f);
    const mw_f32x16 p6 = MW_TWICE(
        0x1.b43356p-6f, -0x1.5069c6p-6f, -0x1.28ceaap-7f, 0x1.6af892p-9f, 0x1.a7dd0ep-11f, -0x1.15a430p-7f,
        0x1.372a70p-6f, 0x1.976aa6p-5f);
    const mw_u32x16 sign = (mw_u32x16)splat(-0.0f);
    // From here on erf is -1. In this order NaN stays.
    const mw_f32x16 a = greater_of(splat(-3.92f), (mw_f32x16)((mw_u32x16)x | sign));
    const mw_f32x16 shifted = a - splat(1.5f);
    const mw_u32x16 index = (mw_u32x16)shifted >> 21;
    const mw_f32x16 t = a - (mw_f32x16)look_up8((mw_u32x16)c, index);
    mw_f32x16 p = fma16((mw_f32x16)look_up8((mw_u32x16)p6, index), t, (mw_f32x16)look_up8((mw_u32x16)p5, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p4, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p3, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p2, index));
    p = fma16(p, t, (mw_f32x16)look_up8((mw_u32x16)p1, index));
    // Next to 0 it is x and a polynomial, which is less and so loses less by its rounding.
    const mw_u32x16 is_near_zero = (mw_u32x16)(shifted > splat(-1.75f));
    const mw_u32x16 base = ((mw_u32x16)a & is_near_zero) | (look_up8((mw_u32x16)p0, index) & ~is_near_zero);
    p = fma16(p, t, (mw_f32x16)base);
    return (mw_f32x16)(((mw_u32x16)p & ~sign) | ((mw_u32x16)x & sign));
}

#undef MW_TWICE

/// A row of a function of sixteen.
#define MW_UNARY_LANES_ROW(name, function)                                                                             \
    static void name(ptrdiff_t count, void *out_base, const void *a_base, ptrdiff_t a_stride) {                        \
        float *out = out_base;                                                                                         \
        const float *a = a_base;                                                                                       \
        for (ptrdiff_t i = 0; i < count; i += MW_F32X16_COUNT) {                                                       \
            const ptrdiff_t left = count - i;                                                                          \
            if (a_stride == 1 && left >= MW_F32X16_COUNT) {                                                            \
                store16(out + i, function(load16(a + i)));                                                             \
                continue;                                                                                              \
            }                                                                                                          \
            const ptrdiff_t taken = left < MW_F32X16_COUNT ? left : MW_F32X16_COUNT;                                   \
            float gathered[MW_F32X16_COUNT];                                                                           \
            for (ptrdiff_t j = 0; j < taken; j++) {                                                                    \
                gathered[j] = a[(i + j) * a_stride];                                                                   \
            }                                                                                                          \
            store_first(out + i, function(load_first(gathered, taken, 0)), taken);                                     \
        }                                                                                                              \
    }

MW_UNARY_LANES_ROW(tanh_f32_row, tanh16)
MW_UNARY_LANES_ROW(erf_f32_row, erf16)

#undef MW_UNARY_LANES_ROW
