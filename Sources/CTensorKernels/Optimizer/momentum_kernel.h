// Gradient descent with momentum (Polyak 1964) and with Nesterov's (Sutskever et al., ICML 2013), of one path. Included
// once by each path's file; see Dispatch/kernel_body.h.

MW_ALWAYS_INLINE void momentum_step(
    const bool nesterov, ptrdiff_t count, float *parameters, float *velocity, const float *gradient,
    const mw_momentum_step *step) {
    const float rate = step->learning_rate;
    const float momentum = step->momentum;
    const float weight_decay = step->weight_decay;
    MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
        const float g = MW_FMA(weight_decay, parameters[i], gradient[i]);
        const float v = MW_FMA(momentum, velocity[i], g);
        velocity[i] = v;
        parameters[i] = MW_FMA(-rate, nesterov ? MW_FMA(momentum, v, g) : v, parameters[i]);
    }
}

void MW_KERNEL(momentum_f32)(
    ptrdiff_t count, float *parameters, float *velocity, const float *gradient, const mw_momentum_step *step) {
    if (step->nesterov) {
        momentum_step(true, count, parameters, velocity, gradient, step);
    } else {
        momentum_step(false, count, parameters, velocity, gradient, step);
    }
}
