// Memory, fused multiply-adds and maxima of sixteen f32: the portable path. See f32x16.h.

MW_ALWAYS_INLINE mw_f32x16 load16(const float *from) {
    mw_f32x16 value;
    memcpy(&value, from, sizeof value);
    return value;
}

MW_ALWAYS_INLINE mw_f32x16 load_first(const float *from, ptrdiff_t count, float filler) {
    mw_f32x16 value;
    for (ptrdiff_t i = 0; i < MW_F32X16_COUNT; i++) {
        value[i] = i < count ? from[i] : filler;
    }
    return value;
}

MW_ALWAYS_INLINE void store16(float *to, mw_f32x16 value) { memcpy(to, &value, sizeof value); }

MW_ALWAYS_INLINE void store_first(float *to, mw_f32x16 value, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) {
        to[i] = value[i];
    }
}

MW_ALWAYS_INLINE mw_f32x16 fma16(mw_f32x16 x, mw_f32x16 y, mw_f32x16 z) {
    mw_f32x16 value;
    for (int i = 0; i < MW_F32X16_COUNT; i++) {
        value[i] = MW_FMA(x[i], y[i], z[i]);
    }
    return value;
}

MW_ALWAYS_INLINE mw_f32x16 greater_of(mw_f32x16 x, mw_f32x16 y) {
    mw_f32x16 value;
    for (int i = 0; i < MW_F32X16_COUNT; i++) {
        value[i] = x[i] > y[i] ? x[i] : y[i];
    }
    return value;
}

MW_ALWAYS_INLINE mw_u32x16 look_up8(mw_u32x16 table, mw_u32x16 index) {
    mw_u32x16 value;
    for (int i = 0; i < MW_F32X16_COUNT; i++) {
        value[i] = table[index[i] % 8];
    }
    return value;
}
