// The elementwise kernel of three operands, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

static void select_row(
    ptrdiff_t count, uint32_t *out, const uint8_t *condition, ptrdiff_t condition_stride, const uint32_t *a,
    ptrdiff_t a_stride, const uint32_t *b, ptrdiff_t b_stride) {
    if (condition_stride == 1 && a_stride == 1 && b_stride == 1) {
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
            const uint32_t x = a[i], y = b[i];
            out[i] = condition[i] ? x : y;
        }
    } else {
        for (ptrdiff_t i = 0; i < count; i++) {
            const uint32_t x = a[i * a_stride], y = b[i * b_stride];
            out[i] = condition[i * condition_stride] ? x : y;
        }
    }
}

void MW_KERNEL(select_32)(
    ptrdiff_t rank, const ptrdiff_t *shape, uint32_t *out, const uint8_t *condition,
    const ptrdiff_t *condition_strides, const uint32_t *a, const ptrdiff_t *a_strides, const uint32_t *b,
    const ptrdiff_t *b_strides) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(
            &loop, rank, shape, 3, (const ptrdiff_t *const[]){condition_strides, a_strides, b_strides})) {
        return;
    }
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    do {
        select_row(
            count, out, condition + loop.offset[0], mw_strided_loop_stride(&loop, 0), a + loop.offset[1],
            mw_strided_loop_stride(&loop, 1), b + loop.offset[2], mw_strided_loop_stride(&loop, 2));
        out += count;
    } while (mw_strided_loop_advance(&loop));
}
