// FTRL-proximal (McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013, algorithm 1), of one path.
// Included once by each path's file; see Dispatch/kernel_body.h.

void MW_KERNEL(ftrl_f32)(
    ptrdiff_t count, float *parameters, float *accumulator, float *linear, const float *gradient,
    const mw_ftrl_step *step) {
    const float alpha = step->learning_rate;
    const float beta = step->beta;
    const float l1 = step->l1;
    const float l2 = step->l2;
    MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
        const float g = gradient[i];
        const float before = __builtin_elementwise_sqrt(accumulator[i]);
        const float n = MW_FMA(g, g, accumulator[i]);
        const float after = __builtin_elementwise_sqrt(n);
        const float z = MW_FMA(-((after - before) / alpha), parameters[i], linear[i] + g);
        const float size = __builtin_elementwise_abs(z);
        const float weight = __builtin_elementwise_copysign(size - l1, -z) / ((beta + after) / alpha + l2);
        accumulator[i] = n;
        linear[i] = z;
        parameters[i] = size <= l1 ? 0.0f : weight;
    }
}
