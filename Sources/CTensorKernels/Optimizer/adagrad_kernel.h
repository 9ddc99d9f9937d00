// Adagrad (Duchi, Hazan & Singer, JMLR 2011), of one path: with a sum of squares for each element, and with one for a
// whole row. Included once by each path's file; see Dispatch/kernel_body.h.

void MW_KERNEL(adagrad_f32)(
    ptrdiff_t count, float *parameters, float *accumulator, const float *gradient, const mw_adagrad_step *step) {
    const float rate = step->learning_rate;
    const float epsilon = step->epsilon;
    MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
        const float g = gradient[i];
        const float a = MW_FMA(g, g, accumulator[i]);
        accumulator[i] = a;
        parameters[i] = MW_FMA(-rate, g / (__builtin_elementwise_sqrt(a) + epsilon), parameters[i]);
    }
}

void MW_KERNEL(rowwise_adagrad_f32)(
    ptrdiff_t count, float *parameters, float *accumulator, const float *gradient, const mw_adagrad_step *step) {
    // Sixteen sums, whatever the path, added in one order.
    float sums[16] = {0};
    ptrdiff_t i = 0;
    for (; i + 16 <= count; i += 16) {
        MW_VECTOR_LOOP for (int j = 0; j < 16; j++) {
            sums[j] = MW_FMA(gradient[i + j], gradient[i + j], sums[j]);
        }
    }
    for (int j = 0; i < count; i++, j++) {
        sums[j] = MW_FMA(gradient[i], gradient[i], sums[j]);
    }
    for (int half = 8; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) {
            sums[j] += sums[j + half];
        }
    }
    *accumulator += count > 0 ? sums[0] / (float)count : 0;
    const float rate = step->learning_rate / (__builtin_elementwise_sqrt(*accumulator) + step->epsilon);
    MW_VECTOR_LOOP for (ptrdiff_t k = 0; k < count; k++) {
        parameters[k] = MW_FMA(-rate, gradient[k], parameters[k]);
    }
}
