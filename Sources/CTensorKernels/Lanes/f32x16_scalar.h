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

// Lanes of a vector are slow to take out and put in one at a time; elements of an array are not.
MW_ALWAYS_INLINE mw_f32x16 fma16(mw_f32x16 x, mw_f32x16 y, mw_f32x16 z) {
    float xs[MW_F32X16_COUNT], ys[MW_F32X16_COUNT], zs[MW_F32X16_COUNT];
    store16(xs, x);
    store16(ys, y);
    store16(zs, z);
    for (int i = 0; i < MW_F32X16_COUNT; i++) {
        zs[i] = MW_FMA(xs[i], ys[i], zs[i]);
    }
    return load16(zs);
}

MW_ALWAYS_INLINE mw_f32x16 greater_of(mw_f32x16 x, mw_f32x16 y) {
    mw_f32x16 value;
    for (int i = 0; i < MW_F32X16_COUNT; i++) {
        value[i] = x[i] > y[i] ? x[i] : y[i];
    }
    return value;
}

MW_ALWAYS_INLINE mw_u32x16 look_up8(mw_u32x16 table, mw_u32x16 index) {
    uint32_t entries[MW_F32X16_COUNT], places[MW_F32X16_COUNT];
    memcpy(entries, &table, sizeof table);
    memcpy(places, &index, sizeof index);
    for (int i = 0; i < MW_F32X16_COUNT; i++) {
        places[i] = entries[places[i] % 8];
    }
    mw_u32x16 value;
    memcpy(&value, places, sizeof value);
    return value;
}
