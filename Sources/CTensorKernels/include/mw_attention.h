// Scaled dot-product attention.
#ifndef MESHWORK_ATTENTION_H
#define MESHWORK_ATTENTION_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// The shapes of one attention: queries [batch, heads, queries, width], keys [batch, key_heads, keys, width], values
/// [batch, key_heads, keys, value_width] and a mask that is added to the scores, [batch, heads, queries, keys].
/// `heads` is a multiple of `key_heads`: head h uses the keys of head h / (heads / key_heads).
typedef struct mw_attention {
    ptrdiff_t batch, heads, key_heads, queries, keys, width, value_width;
    /// Strides of the first three axes; the last is contiguous.
    ptrdiff_t query_strides[3], key_strides[3], value_strides[3];
    /// Strides of all axes; 0 broadcasts.
    ptrdiff_t mask_strides[4];
    float scale;
    /// Whether query i sees only keys 0...i: what others hold, NaN included, does not reach it.
    bool is_causal;
} mw_attention;

/// Attention.
typedef struct mw_attention_kernels {
    /// out = softmax(scale · q · kᵀ + mask) · v for each head, contiguous [batch, heads, queries, value_width].
    ///
    /// Scores exist for 64 queries and 256 keys at a time only; their softmax is carried along (Milakov & Gimelshein,
    /// "Online normalizer calculation for softmax", 2018; Dao et al., FlashAttention, NeurIPS 2022). A query without any
    /// key, or whose scores are all -inf, gives NaN. Shared over the compute pool by heads and blocks of queries.
    /// Returns false when there is no memory for the working space of a thread.
    bool (*attention_f32)(
        const mw_attention *attention, float *out, const float *queries, const float *keys, const float *values,
        const float *_Nullable mask);
} mw_attention_kernels;

/// Applies `apply(family, kernel, path)` to every kernel of the table.
#define MW_FOR_EACH_ATTENTION_KERNEL(apply, path) \
    apply(attention, attention_f32, path)

#pragma clang assume_nonnull end

#endif
