// Stochastic gradient descent, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

void MW_KERNEL(sgd_f32)(ptrdiff_t count, float *parameters, const float *gradient, float learning_rate) {
    MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
        parameters[i] = MW_FMA(-learning_rate, gradient[i], parameters[i]);
    }
}
