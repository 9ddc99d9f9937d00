// What a tile of AVX-512 does with its vectors, for sums of f32, f64 and 32-bit integers: MW_GEMM_SUM is f32, f64 or i32.
// A file that multiplies otherwise than element by element defines MW_GEMM_OWN_PRODUCT, and the functions itself.
//
//   lanes                                  the lanes of a vector that exist, as a mask
//   load_right(pointer, lanes)             a vector of steps of b
//   multiply_add(sum, pointer, right)      sum + the step of a at `pointer`, repeated · right

#define MW_GEMM_CONCATENATED(left, right) left##right
#define MW_GEMM_NAME(left, right) MW_GEMM_CONCATENATED(left, right)

#define MW_GEMM_LANES_f32 16
#define MW_GEMM_LANES_f64 8
#define MW_GEMM_LANES_i32 16
/// Columns of c in a vector.
#define MW_GEMM_LANES MW_GEMM_NAME(MW_GEMM_LANES_, MW_GEMM_SUM)

#define MW_GEMM_ALL_LANES (0xffffu >> (16 - MW_GEMM_LANES))

typedef __m512 sum_vector_f32;
typedef __m512d sum_vector_f64;
typedef __m512i sum_vector_i32;
#define sum_vector MW_GEMM_NAME(sum_vector_, MW_GEMM_SUM)
typedef uint16_t lanes;

MW_ALWAYS_INLINE sum_vector_f32 load_sum_f32(const void *c, lanes m) { return _mm512_maskz_loadu_ps(m, c); }
MW_ALWAYS_INLINE sum_vector_f64 load_sum_f64(const void *c, lanes m) { return _mm512_maskz_loadu_pd((__mmask8)m, c); }
MW_ALWAYS_INLINE sum_vector_i32 load_sum_i32(const void *c, lanes m) { return _mm512_maskz_loadu_epi32(m, c); }
#define load_sum MW_GEMM_NAME(load_sum_, MW_GEMM_SUM)

MW_ALWAYS_INLINE void store_sum_f32(void *c, lanes m, __m512 sum) { _mm512_mask_storeu_ps(c, m, sum); }
MW_ALWAYS_INLINE void store_sum_f64(void *c, lanes m, __m512d sum) { _mm512_mask_storeu_pd(c, (__mmask8)m, sum); }
MW_ALWAYS_INLINE void store_sum_i32(void *c, lanes m, __m512i sum) { _mm512_mask_storeu_epi32(c, m, sum); }
#define store_sum MW_GEMM_NAME(store_sum_, MW_GEMM_SUM)

MW_ALWAYS_INLINE __m512 add_sums_f32(__m512 x, __m512 y) { return _mm512_add_ps(x, y); }
MW_ALWAYS_INLINE __m512d add_sums_f64(__m512d x, __m512d y) { return _mm512_add_pd(x, y); }
MW_ALWAYS_INLINE __m512i add_sums_i32(__m512i x, __m512i y) { return _mm512_add_epi32(x, y); }
#define add_sums MW_GEMM_NAME(add_sums_, MW_GEMM_SUM)

#ifndef MW_GEMM_OWN_PRODUCT
typedef sum_vector right_vector;
#define load_right load_sum

MW_ALWAYS_INLINE __m512 multiply_add_f32(__m512 sum, const float *a, __m512 right) {
    return _mm512_fmadd_ps(_mm512_set1_ps(*a), right, sum);
}
MW_ALWAYS_INLINE __m512d multiply_add_f64(__m512d sum, const double *a, __m512d right) {
    return _mm512_fmadd_pd(_mm512_set1_pd(*a), right, sum);
}
#define multiply_add MW_GEMM_NAME(multiply_add_, MW_GEMM_SUM)
#define add_left_step multiply_add
#define add_right_step multiply_add
#endif
