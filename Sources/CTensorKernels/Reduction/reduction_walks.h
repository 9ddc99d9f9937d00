// Reductions of strided elements along the tree of reduction_tree.h, for one path, one type and one operation. Included
// after it, with the same macros defined.

/// The elements that `reduced` walks from `base`, 1,024 values at a time.
static MW_TREE_VALUE MW_TREE(walk)(
    const reduction_source *source, const char *base, mw_strided_loop reduced, const MW_TREE_VALUE *shift) {
    const ptrdiff_t count = mw_strided_loop_row(&reduced);
    const ptrdiff_t stride = mw_strided_loop_stride(&reduced, 0);
    if (source->is_direct && reduced.rank == 1 && stride == 1) {
        return MW_TREE(row)((const MW_TREE_VALUE *)base, count);
    }
    enum { capacity = 4 * MW_BLOCK };
    MW_TREE_VALUE values[capacity];
    MW_TREE(pending) pending;
    pending.blocks = 0;
    ptrdiff_t filled = 0;
    do {
        const char *row = base + reduced.offset[0] * source->size;
        for (ptrdiff_t begin = 0; begin < count;) {
            const ptrdiff_t size = count - begin < capacity - filled ? count - begin : capacity - filled;
            source->fetch(values + filled, row + begin * stride * source->size, stride, size);
            begin += size;
            filled += size;
            if (filled == capacity) {
                if (source->map != NULL) {
                    source->map(values, filled, shift, 0, source->parameter);
                }
                MW_TREE(add_row)(&pending, values, filled);
                filled = 0;
            }
        }
    } while (mw_strided_loop_advance(&reduced));
    if (filled > 0) {
        if (source->map != NULL) {
            source->map(values, filled, shift, 0, source->parameter);
        }
        MW_TREE(add_row)(&pending, values, filled);
    }
    return MW_TREE(total)(&pending);
}

/// One long reduction cut into pieces of equal numbers of blocks, a power of two: each is a node of the tree.
typedef struct MW_TREE(pieces) {
    const reduction_source *source;
    const char *base;
    const MW_TREE_VALUE *shift;
    ptrdiff_t count, stride, piece;
    MW_TREE_VALUE totals[MW_MAXIMUM_PIECES];
} MW_TREE(pieces);

static void MW_TREE(reduce_piece)(void *context, ptrdiff_t chunk) {
    MW_TREE(pieces) *pieces = context;
    const ptrdiff_t begin = chunk * pieces->piece;
    const ptrdiff_t rest = pieces->count - begin;
    mw_strided_loop run = {.operands = 1, .rank = 1};
    run.shape[0] = rest < pieces->piece ? rest : pieces->piece;
    run.strides[0][0] = pieces->stride;
    pieces->totals[chunk] = MW_TREE(walk)(
        pieces->source, pieces->base + begin * pieces->stride * pieces->source->size, run, pieces->shift);
}

/// One result.
static MW_TREE_VALUE MW_TREE(one)(
    const reduction_source *source, const char *base, const mw_strided_loop *reduced, const MW_TREE_VALUE *shift) {
    const ptrdiff_t count = reduced->shape[0];
    if (reduced->rank > 1 || count < 2 * MW_SMALLEST_PIECE) {
        return MW_TREE(walk)(source, base, *reduced, shift);
    }
    MW_TREE(pieces) pieces = {
        .source = source, .base = base, .shift = shift, .count = count, .stride = reduced->strides[0][0]};
    int level = __builtin_ctz(MW_SMALLEST_PIECE / MW_BLOCK);
    pieces.piece = MW_SMALLEST_PIECE;
    while ((count + pieces.piece - 1) / pieces.piece > MW_MAXIMUM_PIECES) {
        pieces.piece *= 2;
        level++;
    }
    const ptrdiff_t whole = count / pieces.piece;
    const bool has_rest = count % pieces.piece != 0;
    mw_parallel_for(whole + has_rest, 0, MW_TREE(reduce_piece), &pieces);
    MW_TREE(pending) pending;
    pending.blocks = 0;
    for (ptrdiff_t i = 0; i < whole; i++) {
        MW_TREE(add_blocks)(&pending, level, pieces.totals[i]);
    }
    if (!has_rest) {
        return MW_TREE(total)(&pending);
    }
    // The rest has fewer blocks than any node before it, so it is combined first.
    MW_TREE_VALUE value = pieces.totals[whole];
    for (uint64_t blocks = pending.blocks >> level; blocks != 0; blocks >>= 1, level++) {
        if (blocks & 1) {
            value = MW_TREE_COMBINE(pending.partial[level], value);
        }
    }
    return value;
}

/// Adds 64 rows of 16 `vectors` elements each to the columns' lanes: the rows of a lane, sixteen apart, together, since
/// each store costs as much as several loads.
MW_ALWAYS_INLINE void MW_TREE(add_group)(
    MW_TREE_LANES (*sums)[MW_TILE / MW_LANES], ptrdiff_t vectors, const char *rows, ptrdiff_t row_bytes) {
    for (ptrdiff_t l = 0; l < MW_LANES; l++) {
        const MW_TREE_UNALIGNED *a = (const MW_TREE_UNALIGNED *)(rows + l * row_bytes);
        const MW_TREE_UNALIGNED *b = (const MW_TREE_UNALIGNED *)(rows + (l + MW_LANES) * row_bytes);
        const MW_TREE_UNALIGNED *c = (const MW_TREE_UNALIGNED *)(rows + (l + 2 * MW_LANES) * row_bytes);
        const MW_TREE_UNALIGNED *d = (const MW_TREE_UNALIGNED *)(rows + (l + 3 * MW_LANES) * row_bytes);
        for (ptrdiff_t v = 0; v < vectors; v++) {
            MW_TREE_LANES sum = sums[l][v];
            sum = MW_TREE_COMBINE_LANES(sum, a[v]);
            sum = MW_TREE_COMBINE_LANES(sum, b[v]);
            sum = MW_TREE_COMBINE_LANES(sum, c[v]);
            sum = MW_TREE_COMBINE_LANES(sum, d[v]);
            sums[l][v] = sum;
        }
    }
}

/// `columns` (1...512) neighbouring results at once: every element that `reduced` walks begins a run of `columns`
/// elements, one for each result. The tree of each result is that of `MW_TREE(walk)`.
static void MW_TREE(columns)(
    MW_TREE_VALUE *out, ptrdiff_t columns, ptrdiff_t column_stride, const reduction_source *source, const char *base,
    mw_strided_loop reduced, const MW_TREE_VALUE *shifts) {
    const ptrdiff_t count = mw_strided_loop_row(&reduced);
    const ptrdiff_t stride = mw_strided_loop_stride(&reduced, 0);
    const ptrdiff_t vectors = (columns + MW_LANES - 1) / MW_LANES;
    enum { tile_vectors = MW_TILE / MW_LANES };
    MW_TREE_LANES partial[40][tile_vectors];
    MW_TREE_LANES sums[MW_LANES][tile_vectors];
    MW_TREE_LANES fetched[tile_vectors];
    memset(fetched, 0, sizeof fetched);
    for (int l = 0; l < MW_LANES; l++) {
        MW_TREE(clear_lanes)(sums[l], (int)vectors);
    }
    const bool is_direct = source->is_direct && column_stride == 1 && columns == vectors * MW_LANES;
    uint64_t blocks = 0;
    ptrdiff_t filled = 0;
    bool more = true;
    while (more) {
        for (ptrdiff_t i = 0; i < count; i++) {
            const char *run = base + (reduced.offset[0] + i * stride) * source->size;
            if (is_direct && filled % MW_GROUP == 0 && count - i >= MW_GROUP) {
                MW_TREE(add_group)(sums, vectors, run, stride * source->size);
                i += MW_GROUP - 1;
                filled += MW_GROUP;
            } else {
                source->fetch(fetched, run, column_stride, columns);
                if (source->map != NULL) {
                    source->map(fetched, columns, shifts, shifts != NULL, source->parameter);
                }
                MW_TREE_LANES *sum = sums[filled % MW_LANES];
                for (ptrdiff_t v = 0; v < vectors; v++) {
                    sum[v] = MW_TREE_COMBINE_LANES(sum[v], fetched[v]);
                }
                filled++;
            }
            const bool is_last = i + 1 == count && !(more = mw_strided_loop_advance(&reduced));
            if (filled < MW_BLOCK && !is_last) {
                continue;
            }
            for (ptrdiff_t v = 0; v < vectors; v++) {
                for (int half = MW_LANES / 2; half > 0; half /= 2) {
                    for (int l = 0; l < half; l++) {
                        sums[l][v] = MW_TREE_COMBINE_LANES(sums[l][v], sums[l + half][v]);
                    }
                }
                int level = 0;
                for (uint64_t carry = blocks; carry & 1; carry >>= 1) {
                    sums[0][v] = MW_TREE_COMBINE_LANES(partial[level][v], sums[0][v]);
                    level++;
                }
                partial[level][v] = sums[0][v];
            }
            blocks++;
            filled = 0;
            for (int l = 0; l < MW_LANES; l++) {
                MW_TREE(clear_lanes)(sums[l], (int)vectors);
            }
        }
    }
    for (ptrdiff_t v = 0; v < vectors; v++) {
        int level = __builtin_ctzll(blocks);
        MW_TREE_LANES total = partial[level][v];
        for (uint64_t rest = blocks >> level >> 1; rest != 0; rest >>= 1) {
            level++;
            if (rest & 1) {
                total = MW_TREE_COMBINE_LANES(partial[level][v], total);
            }
        }
        const ptrdiff_t width = columns - v * MW_LANES < MW_LANES ? columns - v * MW_LANES : MW_LANES;
        memcpy(out + v * MW_LANES, &total, (size_t)width * sizeof(MW_TREE_VALUE));
    }
}

/// `count` (1...512) results, `kept_stride` elements apart in what is reduced.
static void MW_TREE(tile)(
    MW_TREE_VALUE *out, ptrdiff_t count, ptrdiff_t kept_stride, const reduction_source *source, const char *base,
    const mw_strided_loop *reduced, const MW_TREE_VALUE *shifts) {
    const bool rows_are_contiguous = reduced->rank == 1 && reduced->strides[0][0] == 1;
    // A short row costs less as a column among others than as a walk of its own.
    const bool rows_are_short = reduced->rank == 1 && reduced->shape[0] < 2 * MW_LANES;
    if (count > 1 && (rows_are_short || (kept_stride == 1 && !rows_are_contiguous))) {
        MW_TREE(columns)(out, count, kept_stride, source, base, *reduced, shifts);
        return;
    }
    ptrdiff_t i = 0;
    if (rows_are_contiguous && source->is_direct && reduced->shape[0] <= MW_BLOCK) {
        for (; i + 4 <= count; i += 4) {
            MW_TREE(four_blocks)(
                out + i, (const MW_TREE_VALUE *)base + i * kept_stride, reduced->shape[0], kept_stride);
        }
    }
    for (; i < count; i++) {
        out[i] = MW_TREE(one)(
            source, base + i * kept_stride * source->size, reduced, shifts != NULL ? shifts + i : NULL);
    }
}
