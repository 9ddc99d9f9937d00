// The one tree along which f32 elements are combined, for one path and one operation. Included, with the four macros
// below defined, once for each operation; see Dispatch/kernel_body.h.
//
//   MW_TREE(name)               name of this operation's version of a function
//   MW_TREE_IDENTITY            what an empty reduction gives
//   MW_TREE_COMBINE(x, y)       two elements
//   MW_TREE_COMBINE_LANES(x, y) two vectors of 16 elements
//
// Of n elements in logical order, each block of 256 is combined in 16 lanes (lane l takes elements l, l + 16, …), the
// lanes by halves (l with l + 8, then l + 4, l + 2, l + 1), and the blocks pairwise as a binary counter carries. The
// tree depends on n alone: rows and columns, contiguous or not, give the same bits.

/// Results of finished blocks that wait for their pair: entry i covers 2^i blocks.
typedef struct MW_TREE(pending) {
    uint64_t blocks;
    float partial[64];
} MW_TREE(pending);

MW_ALWAYS_INLINE void MW_TREE(add_block)(MW_TREE(pending) * pending, float value) {
    int level = 0;
    for (uint64_t carry = pending->blocks; carry & 1; carry >>= 1) {
        value = MW_TREE_COMBINE(pending->partial[level], value);
        level++;
    }
    pending->partial[level] = value;
    pending->blocks++;
}

MW_ALWAYS_INLINE float MW_TREE(total)(const MW_TREE(pending) * pending) {
    if (pending->blocks == 0) {
        return MW_TREE_IDENTITY;
    }
    int level = __builtin_ctzll(pending->blocks);
    float value = pending->partial[level];
    for (uint64_t rest = pending->blocks >> level >> 1; rest != 0; rest >>= 1) {
        level++;
        if (rest & 1) {
            value = MW_TREE_COMBINE(pending->partial[level], value);
        }
    }
    return value;
}

MW_ALWAYS_INLINE void MW_TREE(clear_lanes)(mw_lanes *lanes, int count) {
    for (int i = 0; i < count; i++) {
        for (int l = 0; l < MW_LANES; l++) {
            lanes[i][l] = MW_TREE_IDENTITY;
        }
    }
}

/// One block: 1...256 contiguous elements.
MW_ALWAYS_INLINE float MW_TREE(block)(const float *values, ptrdiff_t count) {
    mw_lanes sum;
    MW_TREE(clear_lanes)(&sum, 1);
    ptrdiff_t i = 0;
    for (; i + MW_LANES <= count; i += MW_LANES) {
        sum = MW_TREE_COMBINE_LANES(sum, *(const mw_unaligned_lanes *)(values + i));
    }
    if (i < count) {
        mw_lanes rest;
        MW_TREE(clear_lanes)(&rest, 1);
        memcpy(&rest, values + i, (size_t)(count - i) * sizeof(float));
        sum = MW_TREE_COMBINE_LANES(sum, rest);
    }
    float lanes[MW_LANES];
    memcpy(lanes, &sum, sizeof lanes);
    for (int half = MW_LANES / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; l++) {
            lanes[l] = MW_TREE_COMBINE(lanes[l], lanes[l + half]);
        }
    }
    return lanes[0];
}

/// Any number of contiguous elements.
static inline float MW_TREE(row)(const float *values, ptrdiff_t count) {
    if (count <= 0) {
        return MW_TREE_IDENTITY;
    }
    if (count <= MW_BLOCK) {
        return MW_TREE(block)(values, count);
    }
    MW_TREE(pending) pending = {.blocks = 0};
    for (ptrdiff_t begin = 0; begin < count; begin += MW_BLOCK) {
        const ptrdiff_t size = count - begin < MW_BLOCK ? count - begin : MW_BLOCK;
        MW_TREE(add_block)(&pending, MW_TREE(block)(values + begin, size));
    }
    return MW_TREE(total)(&pending);
}
