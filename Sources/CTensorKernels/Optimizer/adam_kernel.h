// Adam (Kingma & Ba, ICLR 2015, algorithm 1) and AdamW (Loshchilov & Hutter, ICLR 2019, algorithm 2), of one path.
// Included once by each path's file; see Dispatch/kernel_body.h.

void MW_KERNEL(adam_f32)(
    ptrdiff_t count, float *parameters, float *first_moment, float *second_moment, const float *gradient,
    const mw_adam_step *step) {
    // The constants of a step are worked out in double and rounded once: 1 - β2^t in f32 would lose most of its bits.
    const float beta1 = step->beta1;
    const float beta2 = step->beta2;
    const float rest1 = (float)(1.0 - (double)beta1);
    const float rest2 = (float)(1.0 - (double)beta2);
    const float rate = (float)((double)step->learning_rate / (1.0 - step->beta1_power));
    const float root_correction = (float)(1.0 / __builtin_elementwise_sqrt(1.0 - step->beta2_power));
    const float epsilon = step->epsilon;
    // Exactly 1 for Adam, which leaves the parameter's bits as they are.
    const float kept = (float)(1.0 - (double)step->learning_rate * (double)step->weight_decay);
    MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
        const float g = gradient[i];
        const float m = MW_FMA(beta1, first_moment[i], rest1 * g);
        const float v = MW_FMA(beta2, second_moment[i], rest2 * g * g);
        const float denominator = MW_FMA(__builtin_elementwise_sqrt(v), root_correction, epsilon);
        first_moment[i] = m;
        second_moment[i] = v;
        parameters[i] = MW_FMA(-rate, m / denominator, kept * parameters[i]);
    }
}
