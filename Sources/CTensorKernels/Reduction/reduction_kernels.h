// Reductions over axes, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

/// Splits the axes of `a` into those that remain and those that are reduced. Returns false if there are no results;
/// sets `is_empty` if there are results but no elements.
MW_ALWAYS_INLINE bool split_axes(
    ptrdiff_t rank, const ptrdiff_t *shape, const ptrdiff_t *strides, uint32_t axes, mw_strided_loop *kept,
    mw_strided_loop *reduced, bool *is_empty) {
    ptrdiff_t kept_shape[MW_MAXIMUM_RANK], kept_strides[MW_MAXIMUM_RANK], kept_rank = 0;
    ptrdiff_t reduced_shape[MW_MAXIMUM_RANK], reduced_strides[MW_MAXIMUM_RANK], reduced_rank = 0;
    for (ptrdiff_t axis = 0; axis < rank; axis++) {
        if (axes >> axis & 1) {
            reduced_shape[reduced_rank] = shape[axis];
            reduced_strides[reduced_rank++] = strides[axis];
        } else {
            kept_shape[kept_rank] = shape[axis];
            kept_strides[kept_rank++] = strides[axis];
        }
    }
    *is_empty = !mw_strided_loop_begin(
        reduced, reduced_rank, reduced_shape, 1, (const ptrdiff_t *const[]){reduced_strides});
    return mw_strided_loop_begin(kept, kept_rank, kept_shape, 1, (const ptrdiff_t *const[]){kept_strides});
}

MW_ALWAYS_INLINE ptrdiff_t result_count(const mw_strided_loop *kept) {
    ptrdiff_t count = 1;
    for (int axis = 0; axis < kept->rank; axis++) {
        count *= kept->shape[axis];
    }
    return count;
}

void MW_KERNEL(reduce_f32)(
    mw_reduction reduction, ptrdiff_t rank, const ptrdiff_t *shape, float *out, const float *a,
    const ptrdiff_t *strides, uint32_t axes) {
    mw_strided_loop kept, reduced;
    bool is_empty;
    if (!split_axes(rank, shape, strides, axes, &kept, &reduced, &is_empty)) {
        return;
    }
    if (is_empty) {
        const float nothing = reduction == MW_REDUCE_SUM ? 0.0f : mw_float_of(0xff800000u);
        mw_fill_32(result_count(&kept), (uint32_t *)out, mw_bits_of(nothing));
    } else if (reduction == MW_REDUCE_SUM) {
        sum_reduce(out, a, kept, reduced);
    } else {
        maximum_reduce(out, a, kept, reduced);
    }
}

void MW_KERNEL(reduce_i32)(
    mw_reduction reduction, ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const int32_t *a,
    const ptrdiff_t *strides, uint32_t axes) {
    mw_strided_loop kept, reduced;
    bool is_empty;
    if (!split_axes(rank, shape, strides, axes, &kept, &reduced, &is_empty)) {
        return;
    }
    const int32_t nothing = reduction == MW_REDUCE_SUM ? 0 : INT32_MIN;
    if (is_empty) {
        mw_fill_32(result_count(&kept), (uint32_t *)out, (uint32_t)nothing);
        return;
    }
    // Integers combine to the same value in any order, so results are simply visited one after the other.
    const ptrdiff_t kept_count = mw_strided_loop_row(&kept);
    const ptrdiff_t kept_stride = mw_strided_loop_stride(&kept, 0);
    const ptrdiff_t count = mw_strided_loop_row(&reduced);
    const ptrdiff_t stride = mw_strided_loop_stride(&reduced, 0);
    do {
        for (ptrdiff_t i = 0; i < kept_count; i++) {
            const int32_t *base = a + kept.offset[0] + i * kept_stride;
            mw_strided_loop walk = reduced;
            uint32_t sum = 0;
            int32_t maximum = INT32_MIN;
            do {
                for (ptrdiff_t j = 0; j < count; j++) {
                    const int32_t value = base[walk.offset[0] + j * stride];
                    sum += (uint32_t)value;
                    maximum = value > maximum ? value : maximum;
                }
            } while (mw_strided_loop_advance(&walk));
            *out++ = reduction == MW_REDUCE_SUM ? (int32_t)sum : maximum;
        }
    } while (mw_strided_loop_advance(&kept));
}

void MW_KERNEL(argmax_f32)(
    ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const float *a, const ptrdiff_t *strides, ptrdiff_t axis) {
    mw_strided_loop kept, reduced;
    bool is_empty;
    if (!split_axes(rank, shape, strides, UINT32_C(1) << axis, &kept, &reduced, &is_empty) || is_empty) {
        return;
    }
    const ptrdiff_t kept_count = mw_strided_loop_row(&kept);
    const ptrdiff_t kept_stride = mw_strided_loop_stride(&kept, 0);
    const ptrdiff_t count = reduced.shape[0];
    const ptrdiff_t stride = reduced.strides[0][0];
    do {
        for (ptrdiff_t i = 0; i < kept_count; i++) {
            const float *base = a + kept.offset[0] + i * kept_stride;
            ptrdiff_t best = 0;
            // A NaN beats everything but an earlier NaN; the comparison is false once the best is NaN.
            for (ptrdiff_t j = 1; j < count && base[best * stride] == base[best * stride]; j++) {
                const float value = base[j * stride];
                if (value > base[best * stride] || value != value) {
                    best = j;
                }
            }
            *out++ = (int32_t)best;
        }
    } while (mw_strided_loop_advance(&kept));
}
