// Memory, fused multiply-adds and maxima of sixteen f32: the AVX2 path, in two registers. See f32x16.h.

MW_ALWAYS_INLINE mw_f32x16 join(__m256 low, __m256 high) {
    return (mw_f32x16)__builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

MW_ALWAYS_INLINE __m256 low_half(mw_f32x16 x) {
    return (__m256)__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
}

MW_ALWAYS_INLINE __m256 high_half(mw_f32x16 x) {
    return (__m256)__builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
}

MW_ALWAYS_INLINE __m256i first_of_eight(ptrdiff_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

MW_ALWAYS_INLINE mw_f32x16 load16(const float *from) { return join(_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)); }

MW_ALWAYS_INLINE mw_f32x16 load_first(const float *from, ptrdiff_t count, float filler) {
    const __m256i low = first_of_eight(count), high = first_of_eight(count - 8);
    const __m256 rest = _mm256_set1_ps(filler);
    return join(
        _mm256_blendv_ps(rest, _mm256_maskload_ps(from, low), (__m256)low),
        _mm256_blendv_ps(rest, _mm256_maskload_ps(from + 8, high), (__m256)high));
}

MW_ALWAYS_INLINE void store16(float *to, mw_f32x16 value) {
    _mm256_storeu_ps(to, low_half(value));
    _mm256_storeu_ps(to + 8, high_half(value));
}

MW_ALWAYS_INLINE void store_first(float *to, mw_f32x16 value, ptrdiff_t count) {
    _mm256_maskstore_ps(to, first_of_eight(count), low_half(value));
    _mm256_maskstore_ps(to + 8, first_of_eight(count - 8), high_half(value));
}

MW_ALWAYS_INLINE mw_f32x16 fma16(mw_f32x16 x, mw_f32x16 y, mw_f32x16 z) {
    return join(
        _mm256_fmadd_ps(low_half(x), low_half(y), low_half(z)),
        _mm256_fmadd_ps(high_half(x), high_half(y), high_half(z)));
}

MW_ALWAYS_INLINE mw_f32x16 greater_of(mw_f32x16 x, mw_f32x16 y) {
    return join(_mm256_max_ps(low_half(x), low_half(y)), _mm256_max_ps(high_half(x), high_half(y)));
}

MW_ALWAYS_INLINE mw_u32x16 look_up8(mw_u32x16 table, mw_u32x16 index) {
    const __m256 entries = low_half((mw_f32x16)table);
    return (mw_u32x16)join(
        _mm256_permutevar8x32_ps(entries, (__m256i)low_half((mw_f32x16)index)),
        _mm256_permutevar8x32_ps(entries, (__m256i)high_half((mw_f32x16)index)));
}
