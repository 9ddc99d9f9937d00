// Steps of optimizers, in place.
#ifndef MESHWORK_OPTIMIZER_H
#define MESHWORK_OPTIMIZER_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// What one step of Adam needs beside its arrays (Kingma & Ba 2015, algorithm 1), or of AdamW (Loshchilov & Hutter
/// 2019, algorithm 2), whose weight decay is not 0.
typedef struct mw_adam_step {
    float learning_rate;
    float beta1;
    float beta2;
    float epsilon;
    float weight_decay;
    /// beta1^t and beta2^t for the step being applied (t = 1 for the first), from stored state: the caller
    /// multiplies and stores them, so that a restored optimizer continues with the same bits.
    double beta1_power;
    double beta2_power;
} mw_adam_step;

/// What one step with momentum needs beside its arrays.
typedef struct mw_momentum_step {
    float learning_rate;
    float momentum;
    /// Added to the gradient, times the parameter.
    float weight_decay;
    bool nesterov;
} mw_momentum_step;

/// What one step of Adagrad needs beside its arrays.
typedef struct mw_adagrad_step {
    float learning_rate;
    float epsilon;
} mw_adagrad_step;

/// What one step of RMSprop needs beside its arrays.
typedef struct mw_rmsprop_step {
    float learning_rate;
    float decay;
    float momentum;
    float epsilon;
} mw_rmsprop_step;

/// What one step of FTRL-proximal needs beside its arrays: α, β, λ1 and λ2.
typedef struct mw_ftrl_step {
    float learning_rate;
    float beta;
    float l1;
    float l2;
} mw_ftrl_step;

/// One pass over a parameter and what belongs to it.
typedef struct mw_optimizer_kernels {
    /// parameters -= learning_rate * gradient, one fused multiply-add an element.
    void (*sgd_f32)(ptrdiff_t count, float *parameters, const float *gradient, float learning_rate);

    /// One step of Adam in place. For each element, with the corrections c1 = 1 - beta1^t and c2 = 1 - beta2^t:
    /// m = β1 m + (1-β1) g;  v = β2 v + (1-β2) g²;  p = (1 - lr λ) p - (lr / c1) · m / (√v / √c2 + ε).
    void (*adam_f32)(
        ptrdiff_t count, float *parameters, float *first_moment, float *second_moment, const float *gradient,
        const mw_adam_step *step);

    /// With g' = g + λ p:  v = μ v + g';  p -= lr · v, or with Nesterov's momentum p -= lr · (g' + μ v).
    void (*momentum_f32)(
        ptrdiff_t count, float *parameters, float *velocity, const float *gradient, const mw_momentum_step *step);

    /// a += g²;  p -= lr · g / (√a + ε).
    void (*adagrad_f32)(
        ptrdiff_t count, float *parameters, float *accumulator, const float *gradient, const mw_adagrad_step *step);

    /// For a row with one accumulator: a += mean(g²);  p -= lr / (√a + ε) · g.
    void (*rowwise_adagrad_f32)(
        ptrdiff_t count, float *parameters, float *accumulator, const float *gradient, const mw_adagrad_step *step);

    /// v = ρ v + (1-ρ) g²;  b = μ b + g / (√v + ε);  p -= lr · b. Without `velocity`, b is its second term.
    void (*rmsprop_f32)(
        ptrdiff_t count, float *parameters, float *mean_square, float *_Nullable velocity, const float *gradient,
        const mw_rmsprop_step *step);

    /// With n' = n + g²:  z += g - (√n' - √n) / α · p;  p = 0 where |z| ≤ λ1, else (sign(z) λ1 - z) / ((β + √n') / α + λ2).
    void (*ftrl_f32)(
        ptrdiff_t count, float *parameters, float *accumulator, float *linear, const float *gradient,
        const mw_ftrl_step *step);
} mw_optimizer_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_OPTIMIZER_KERNEL(apply, path) \
    apply(optimizer, sgd_f32, path) \
    apply(optimizer, adam_f32, path) \
    apply(optimizer, momentum_f32, path) \
    apply(optimizer, adagrad_f32, path) \
    apply(optimizer, rowwise_adagrad_f32, path) \
    apply(optimizer, rmsprop_f32, path) \
    apply(optimizer, ftrl_f32, path)

#pragma clang assume_nonnull end

#endif
