// Steps of optimizers, in place.
#ifndef MESHWORK_OPTIMIZER_H
#define MESHWORK_OPTIMIZER_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// What one step of Adam needs beside its arrays (Kingma & Ba 2015, algorithm 1).
typedef struct mw_adam_step {
    float learning_rate;
    float beta1;
    float beta2;
    float epsilon;
    /// beta1^t and beta2^t for the step being applied (t = 1 for the first), from stored state: the caller
    /// multiplies and stores them, so that a restored optimizer continues with the same bits.
    double beta1_power;
    double beta2_power;
} mw_adam_step;

/// One pass over a parameter and what belongs to it.
typedef struct mw_optimizer_kernels {
    /// parameters -= learning_rate * gradient, one fused multiply-add an element.
    void (*sgd_f32)(ptrdiff_t count, float *parameters, const float *gradient, float learning_rate);

    /// One step of Adam in place. For each element, with the corrections c1 = 1 - beta1^t and c2 = 1 - beta2^t:
    /// m = β1 m + (1-β1) g;  v = β2 v + (1-β2) g²;  p -= (lr / c1) · m / (√v / √c2 + ε).
    void (*adam_f32)(
        ptrdiff_t count, float *parameters, float *first_moment, float *second_moment, const float *gradient,
        const mw_adam_step *step);
} mw_optimizer_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_OPTIMIZER_KERNEL(apply, path) \
    apply(optimizer, sgd_f32, path) \
    apply(optimizer, adam_f32, path)

#pragma clang assume_nonnull end

#endif
