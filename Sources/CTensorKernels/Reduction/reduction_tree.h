// The one tree along which elements are combined, for one path, one type and one operation. Included, with the macros
// below defined, once for each; see Dispatch/kernel_body.h.
//
//   MW_TREE(name)               name of this operation's version of a function
//   MW_TREE_VALUE               the type that is combined
//   MW_TREE_LANES               16 of them, and MW_TREE_UNALIGNED the same at any address
//   MW_TREE_IDENTITY            what an empty reduction gives
//   MW_TREE_COMBINE(x, y)       two elements
//   MW_TREE_COMBINE_LANES(x, y) two vectors of 16 elements, or of 8 or 4
//
// Of n elements in logical order, each block of 256 is combined in 16 lanes (lane l takes elements l, l + 16, …), the
// lanes by halves (l with l + 8, then l + 4, l + 2, l + 1), and the blocks pairwise as a binary counter carries. The
// tree depends on n alone: rows and columns, contiguous or not, in one piece or in many, give the same bits.

/// Results of finished blocks that wait for their pair: entry i covers 2^i blocks.
typedef struct MW_TREE(pending) {
    uint64_t blocks;
    MW_TREE_VALUE partial[64];
} MW_TREE(pending);

/// Adds what 2^level blocks gave; the number of blocks so far is a multiple of that.
MW_ALWAYS_INLINE void MW_TREE(add_blocks)(MW_TREE(pending) * pending, int level, MW_TREE_VALUE value) {
    const uint64_t added = UINT64_C(1) << level;
    for (uint64_t carry = pending->blocks >> level; carry & 1; carry >>= 1) {
        value = MW_TREE_COMBINE(pending->partial[level], value);
        level++;
    }
    pending->partial[level] = value;
    pending->blocks += added;
}

MW_ALWAYS_INLINE void MW_TREE(add_block)(MW_TREE(pending) * pending, MW_TREE_VALUE value) {
    MW_TREE(add_blocks)(pending, 0, value);
}

MW_ALWAYS_INLINE MW_TREE_VALUE MW_TREE(total)(const MW_TREE(pending) * pending) {
    if (pending->blocks == 0) {
        return MW_TREE_IDENTITY;
    }
    int level = __builtin_ctzll(pending->blocks);
    MW_TREE_VALUE value = pending->partial[level];
    for (uint64_t rest = pending->blocks >> level >> 1; rest != 0; rest >>= 1) {
        level++;
        if (rest & 1) {
            value = MW_TREE_COMBINE(pending->partial[level], value);
        }
    }
    return value;
}

MW_ALWAYS_INLINE void MW_TREE(clear_lanes)(MW_TREE_LANES *lanes, int count) {
    for (int i = 0; i < count; i++) {
        for (int l = 0; l < MW_LANES; l++) {
            lanes[i][l] = MW_TREE_IDENTITY;
        }
    }
}

#define MW_FOLD_16(x)                                                                                                  \
    MW_TREE_COMBINE_LANES(                                                                                             \
        __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7),                                                         \
        __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15))
#define MW_FOLD_8(x)                                                                                                  \
    MW_TREE_COMBINE_LANES(__builtin_shufflevector(x, x, 0, 1, 2, 3), __builtin_shufflevector(x, x, 4, 5, 6, 7))

/// The lanes of 1...256 contiguous elements. (Through a pointer: without AVX-512 a vector of this width is not returned
/// in a register.)
MW_ALWAYS_INLINE void MW_TREE(lanes)(MW_TREE_LANES *out, const MW_TREE_VALUE *values, ptrdiff_t count) {
    MW_TREE_LANES lanes;
    MW_TREE(clear_lanes)(&lanes, 1);
    ptrdiff_t i = 0;
    for (; i + MW_LANES <= count; i += MW_LANES) {
        lanes = MW_TREE_COMBINE_LANES(lanes, *(const MW_TREE_UNALIGNED *)(values + i));
    }
    if (i < count) {
        MW_TREE_LANES rest;
        MW_TREE(clear_lanes)(&rest, 1);
        memcpy(&rest, values + i, (size_t)(count - i) * sizeof(MW_TREE_VALUE));
        lanes = MW_TREE_COMBINE_LANES(lanes, rest);
    }
    *out = lanes;
}

/// One block: 1...256 contiguous elements.
MW_ALWAYS_INLINE MW_TREE_VALUE MW_TREE(block)(const MW_TREE_VALUE *values, ptrdiff_t count) {
    MW_TREE_LANES lanes;
    MW_TREE(lanes)(&lanes, values, count);
    const __auto_type eight = MW_FOLD_16(lanes);
    const __auto_type four = MW_FOLD_8(eight);
    const MW_TREE_VALUE even = MW_TREE_COMBINE(four[0], four[2]);
    const MW_TREE_VALUE odd = MW_TREE_COMBINE(four[1], four[3]);
    return MW_TREE_COMBINE(even, odd);
}

/// Four blocks of `count` elements each, `stride` elements apart: one is read after the other, as memory likes it, and
/// their lanes are combined together.
MW_ALWAYS_INLINE void MW_TREE(four_blocks)(
    MW_TREE_VALUE *out, const MW_TREE_VALUE *values, ptrdiff_t count, ptrdiff_t stride) {
    MW_TREE_LANES a, b, c, d;
    MW_TREE(lanes)(&a, values, count);
    MW_TREE(lanes)(&b, values + stride, count);
    MW_TREE(lanes)(&c, values + 2 * stride, count);
    MW_TREE(lanes)(&d, values + 3 * stride, count);
    const __auto_type a8 = MW_FOLD_16(a), b8 = MW_FOLD_16(b), c8 = MW_FOLD_16(c), d8 = MW_FOLD_16(d);
    const __auto_type a4 = MW_FOLD_8(a8), b4 = MW_FOLD_8(b8), c4 = MW_FOLD_8(c8), d4 = MW_FOLD_8(d8);
    // [a0 a2, a1 a3, b0 b2, b1 b3] and the same of c and d, then the four blocks in one vector.
    const __auto_type ab = MW_TREE_COMBINE_LANES(
        __builtin_shufflevector(a4, b4, 0, 1, 4, 5), __builtin_shufflevector(a4, b4, 2, 3, 6, 7));
    const __auto_type cd = MW_TREE_COMBINE_LANES(
        __builtin_shufflevector(c4, d4, 0, 1, 4, 5), __builtin_shufflevector(c4, d4, 2, 3, 6, 7));
    const __auto_type blocks = MW_TREE_COMBINE_LANES(
        __builtin_shufflevector(ab, cd, 0, 2, 4, 6), __builtin_shufflevector(ab, cd, 1, 3, 5, 7));
    memcpy(out, &blocks, 4 * sizeof(MW_TREE_VALUE));
}

#undef MW_FOLD_16
#undef MW_FOLD_8

/// Adds any number of contiguous elements; all elements before them filled their blocks, four by four.
MW_ALWAYS_INLINE void MW_TREE(add_row)(MW_TREE(pending) * pending, const MW_TREE_VALUE *values, ptrdiff_t count) {
    ptrdiff_t begin = 0;
    for (; count - begin >= 4 * MW_BLOCK; begin += 4 * MW_BLOCK) {
        MW_TREE_VALUE blocks[4];
        MW_TREE(four_blocks)(blocks, values + begin, MW_BLOCK, MW_BLOCK);
        const MW_TREE_VALUE front = MW_TREE_COMBINE(blocks[0], blocks[1]);
        const MW_TREE_VALUE back = MW_TREE_COMBINE(blocks[2], blocks[3]);
        MW_TREE(add_blocks)(pending, 2, MW_TREE_COMBINE(front, back));
    }
    for (; begin < count; begin += MW_BLOCK) {
        const ptrdiff_t size = count - begin < MW_BLOCK ? count - begin : MW_BLOCK;
        MW_TREE(add_block)(pending, MW_TREE(block)(values + begin, size));
    }
}

/// Any number of contiguous elements.
static inline MW_TREE_VALUE MW_TREE(row)(const MW_TREE_VALUE *values, ptrdiff_t count) {
    if (count <= 0) {
        return MW_TREE_IDENTITY;
    }
    if (count <= MW_BLOCK) {
        return MW_TREE(block)(values, count);
    }
    MW_TREE(pending) pending;
    pending.blocks = 0;
    MW_TREE(add_row)(&pending, values, count);
    return MW_TREE(total)(&pending);
}
