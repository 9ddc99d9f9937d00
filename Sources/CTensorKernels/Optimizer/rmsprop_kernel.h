// RMSprop (Tieleman & Hinton, Coursera lecture 6.5, 2012), of one path. Included once by each path's file; see
// Dispatch/kernel_body.h.

void MW_KERNEL(rmsprop_f32)(
    ptrdiff_t count, float *parameters, float *mean_square, float *velocity, const float *gradient,
    const mw_rmsprop_step *step) {
    const float rate = step->learning_rate;
    const float decay = step->decay;
    const float rest = (float)(1.0 - (double)decay);
    const float momentum = step->momentum;
    const float epsilon = step->epsilon;
    if (velocity == NULL) {
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
            const float g = gradient[i];
            const float v = MW_FMA(decay, mean_square[i], rest * g * g);
            mean_square[i] = v;
            parameters[i] = MW_FMA(-rate, g / (__builtin_elementwise_sqrt(v) + epsilon), parameters[i]);
        }
        return;
    }
    MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
        const float g = gradient[i];
        const float v = MW_FMA(decay, mean_square[i], rest * g * g);
        const float b = MW_FMA(momentum, velocity[i], g / (__builtin_elementwise_sqrt(v) + epsilon));
        mean_square[i] = v;
        velocity[i] = b;
        parameters[i] = MW_FMA(-rate, b, parameters[i]);
    }
}
