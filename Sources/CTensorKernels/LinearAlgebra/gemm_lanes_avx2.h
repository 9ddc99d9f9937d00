// What a tile of AVX2 does with its vectors, for sums of f32, f64 and 32-bit integers: MW_GEMM_SUM is f32, f64 or i32.
// A file that multiplies otherwise than element by element defines MW_GEMM_OWN_PRODUCT, and the functions itself.
//
//   load_right(pointer), load_right_lanes(pointer, mask)     a vector of steps of b
//   multiply_add(sum, pointer, right)                        sum + the step of a at `pointer`, repeated · right

#define MW_GEMM_CONCATENATED(left, right) left##right
#define MW_GEMM_NAME(left, right) MW_GEMM_CONCATENATED(left, right)

#define MW_GEMM_LANES_f32 8
#define MW_GEMM_LANES_f64 4
#define MW_GEMM_LANES_i32 8
/// Columns of c in a vector.
#define MW_GEMM_LANES MW_GEMM_NAME(MW_GEMM_LANES_, MW_GEMM_SUM)

typedef __m256 sum_vector_f32;
typedef __m256d sum_vector_f64;
typedef __m256i sum_vector_i32;
#define sum_vector MW_GEMM_NAME(sum_vector_, MW_GEMM_SUM)

MW_ALWAYS_INLINE __m256 load_sum_f32(const float *c) { return _mm256_loadu_ps(c); }
MW_ALWAYS_INLINE __m256d load_sum_f64(const double *c) { return _mm256_loadu_pd(c); }
MW_ALWAYS_INLINE __m256i load_sum_i32(const void *c) { return _mm256_loadu_si256(c); }
#define load_sum MW_GEMM_NAME(load_sum_, MW_GEMM_SUM)

MW_ALWAYS_INLINE __m256 load_sum_lanes_f32(const float *c, __m256i mask) { return _mm256_maskload_ps(c, mask); }
MW_ALWAYS_INLINE __m256d load_sum_lanes_f64(const double *c, __m256i mask) { return _mm256_maskload_pd(c, mask); }
MW_ALWAYS_INLINE __m256i load_sum_lanes_i32(const void *c, __m256i mask) { return _mm256_maskload_epi32(c, mask); }
#define load_sum_lanes MW_GEMM_NAME(load_sum_lanes_, MW_GEMM_SUM)

MW_ALWAYS_INLINE void store_sum_f32(float *c, __m256 sum) { _mm256_storeu_ps(c, sum); }
MW_ALWAYS_INLINE void store_sum_f64(double *c, __m256d sum) { _mm256_storeu_pd(c, sum); }
MW_ALWAYS_INLINE void store_sum_i32(void *c, __m256i sum) { _mm256_storeu_si256(c, sum); }
#define store_sum MW_GEMM_NAME(store_sum_, MW_GEMM_SUM)

MW_ALWAYS_INLINE void store_sum_lanes_f32(float *c, __m256i mask, __m256 sum) { _mm256_maskstore_ps(c, mask, sum); }
MW_ALWAYS_INLINE void store_sum_lanes_f64(double *c, __m256i mask, __m256d sum) { _mm256_maskstore_pd(c, mask, sum); }
MW_ALWAYS_INLINE void store_sum_lanes_i32(void *c, __m256i mask, __m256i sum) { _mm256_maskstore_epi32(c, mask, sum); }
#define store_sum_lanes MW_GEMM_NAME(store_sum_lanes_, MW_GEMM_SUM)

MW_ALWAYS_INLINE __m256 add_sums_f32(__m256 x, __m256 y) { return _mm256_add_ps(x, y); }
MW_ALWAYS_INLINE __m256d add_sums_f64(__m256d x, __m256d y) { return _mm256_add_pd(x, y); }
MW_ALWAYS_INLINE __m256i add_sums_i32(__m256i x, __m256i y) { return _mm256_add_epi32(x, y); }
#define add_sums MW_GEMM_NAME(add_sums_, MW_GEMM_SUM)

/// The lanes 0..<count, as a mask.
MW_ALWAYS_INLINE __m256i first_lanes(ptrdiff_t count) {
    if (MW_GEMM_LANES == 4) {
        return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
    }
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#ifndef MW_GEMM_OWN_PRODUCT
typedef sum_vector right_vector;
#define load_right load_sum
#define load_right_lanes load_sum_lanes

MW_ALWAYS_INLINE __m256 multiply_add_f32(__m256 sum, const float *a, __m256 right) {
    return _mm256_fmadd_ps(_mm256_broadcast_ss(a), right, sum);
}
MW_ALWAYS_INLINE __m256d multiply_add_f64(__m256d sum, const double *a, __m256d right) {
    return _mm256_fmadd_pd(_mm256_broadcast_sd(a), right, sum);
}
#define multiply_add MW_GEMM_NAME(multiply_add_, MW_GEMM_SUM)
#define add_left_step multiply_add
#define add_right_step multiply_add
#endif
