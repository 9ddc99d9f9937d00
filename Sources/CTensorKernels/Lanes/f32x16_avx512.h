// Memory, fused multiply-adds and maxima of sixteen f32: the AVX-512 path. See f32x16.h.

MW_ALWAYS_INLINE mw_f32x16 load16(const float *from) { return (mw_f32x16)_mm512_loadu_ps(from); }

MW_ALWAYS_INLINE mw_f32x16 load_first(const float *from, ptrdiff_t count, float filler) {
    const __mmask16 mask = (__mmask16)((1u << count) - 1);
    return (mw_f32x16)_mm512_mask_loadu_ps(_mm512_set1_ps(filler), mask, from);
}

MW_ALWAYS_INLINE void store16(float *to, mw_f32x16 value) { _mm512_storeu_ps(to, (__m512)value); }

MW_ALWAYS_INLINE void store_first(float *to, mw_f32x16 value, ptrdiff_t count) {
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)value);
}

MW_ALWAYS_INLINE mw_f32x16 fma16(mw_f32x16 x, mw_f32x16 y, mw_f32x16 z) {
    return (mw_f32x16)_mm512_fmadd_ps((__m512)x, (__m512)y, (__m512)z);
}

MW_ALWAYS_INLINE mw_f32x16 greater_of(mw_f32x16 x, mw_f32x16 y) {
    return (mw_f32x16)_mm512_max_ps((__m512)x, (__m512)y);
}

MW_ALWAYS_INLINE mw_u32x16 look_up8(mw_u32x16 table, mw_u32x16 index) {
    return (mw_u32x16)_mm512_permutexvar_epi32((__m512i)index, (__m512i)table);
}
