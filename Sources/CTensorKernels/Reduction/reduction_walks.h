// Reductions of strided elements along the tree of reduction_tree.h, for one path and one operation. Included after
// it, with the same macros defined.

/// The elements that `reduced` walks from `base`, one at a time.
static float MW_TREE(strided)(const float *base, mw_strided_loop reduced) {
    const ptrdiff_t count = mw_strided_loop_row(&reduced);
    const ptrdiff_t stride = mw_strided_loop_stride(&reduced, 0);
    MW_TREE(pending) pending = {.blocks = 0};
    float block[MW_BLOCK];
    ptrdiff_t filled = 0;
    do {
        for (ptrdiff_t i = 0; i < count; i++) {
            block[filled++] = base[reduced.offset[0] + i * stride];
            if (filled == MW_BLOCK) {
                MW_TREE(add_block)(&pending, MW_TREE(block)(block, filled));
                filled = 0;
            }
        }
    } while (mw_strided_loop_advance(&reduced));
    if (filled > 0) {
        MW_TREE(add_block)(&pending, MW_TREE(block)(block, filled));
    }
    return MW_TREE(total)(&pending);
}

/// `columns` (1...16) neighbouring results at once: every element that `reduced` walks begins a run of `columns`
/// contiguous elements, one for each result. The tree of each result is that of `MW_TREE(strided)`.
static void MW_TREE(columns)(float *out, ptrdiff_t columns, const float *base, mw_strided_loop reduced) {
    const ptrdiff_t count = mw_strided_loop_row(&reduced);
    const ptrdiff_t stride = mw_strided_loop_stride(&reduced, 0);
    mw_lanes partial[64];
    uint64_t blocks = 0;
    mw_lanes sums[MW_LANES];
    ptrdiff_t filled = 0;
    MW_TREE(clear_lanes)(sums, MW_LANES);
    bool more = true;
    while (more) {
        for (ptrdiff_t i = 0; i < count; i++) {
            const float *run = base + reduced.offset[0] + i * stride;
            mw_lanes *sum = &sums[filled % MW_LANES];
            if (columns == MW_LANES) {
                *sum = MW_TREE_COMBINE_LANES(*sum, *(const mw_unaligned_lanes *)run);
            } else {
                mw_lanes values = {0};
                memcpy(&values, run, (size_t)columns * sizeof(float));
                *sum = MW_TREE_COMBINE_LANES(*sum, values);
            }
            filled++;
            const bool is_last = i + 1 == count && !(more = mw_strided_loop_advance(&reduced));
            if (filled == MW_BLOCK || is_last) {
                for (int half = MW_LANES / 2; half > 0; half /= 2) {
                    for (int l = 0; l < half; l++) {
                        sums[l] = MW_TREE_COMBINE_LANES(sums[l], sums[l + half]);
                    }
                }
                int level = 0;
                for (uint64_t carry = blocks; carry & 1; carry >>= 1) {
                    sums[0] = MW_TREE_COMBINE_LANES(partial[level], sums[0]);
                    level++;
                }
                partial[level] = sums[0];
                blocks++;
                filled = 0;
                MW_TREE(clear_lanes)(sums, MW_LANES);
            }
        }
    }
    int level = __builtin_ctzll(blocks);
    mw_lanes total = partial[level];
    for (uint64_t rest = blocks >> level >> 1; rest != 0; rest >>= 1) {
        level++;
        if (rest & 1) {
            total = MW_TREE_COMBINE_LANES(partial[level], total);
        }
    }
    memcpy(out, &total, (size_t)columns * sizeof(float));
}

/// Every result: `kept` walks them, `reduced` the elements of each.
static void MW_TREE(reduce)(float *out, const float *a, mw_strided_loop kept, mw_strided_loop reduced) {
    const ptrdiff_t count = mw_strided_loop_row(&kept);
    const ptrdiff_t stride = mw_strided_loop_stride(&kept, 0);
    const bool rows_are_contiguous = reduced.rank == 1 && reduced.strides[0][0] == 1;
    do {
        const float *base = a + kept.offset[0];
        if (rows_are_contiguous) {
            for (ptrdiff_t i = 0; i < count; i++) {
                out[i] = MW_TREE(row)(base + i * stride, reduced.shape[0]);
            }
        } else if (stride == 1 && count > 1) {
            for (ptrdiff_t i = 0; i < count; i += MW_LANES) {
                MW_TREE(columns)(out + i, count - i < MW_LANES ? count - i : MW_LANES, base + i, reduced);
            }
        } else {
            for (ptrdiff_t i = 0; i < count; i++) {
                out[i] = MW_TREE(strided)(base + i * stride, reduced);
            }
        }
        out += count;
    } while (mw_strided_loop_advance(&kept));
}
