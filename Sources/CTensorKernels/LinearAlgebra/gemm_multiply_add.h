// One multiply-add of floating-point elements, as the portable tile and the streamed rows do it. `sum_element` is
// float or double.

/// Fused where the target has it; elsewhere imitating it would be far too slow.
MW_ALWAYS_INLINE sum_element multiply_add_one(sum_element x, sum_element y, sum_element z) {
#if defined(MW_PATH_HAS_FMA) || defined(__FMA__) || defined(__aarch64__)
    return __builtin_elementwise_fma(x, y, z);
#else
    return x * y + z;
#endif
}

#ifndef MW_GEMM_SUM
/// What the portable tile asks for.
#define multiply_add(sum, x, y) multiply_add_one(*(x), y, sum)
#define add_sums(x, y) ((x) + (y))
#endif
