// The elementwise kernel of three operands, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

#define MW_SELECT_ROW(name, ELEMENT)                                                                                  \
    static void name(                                                                                                  \
        ptrdiff_t count, void *out_base, const uint8_t *condition, ptrdiff_t condition_stride, const void *a_base,     \
        ptrdiff_t a_stride, const void *b_base, ptrdiff_t b_stride) {                                                  \
        ELEMENT *out = out_base;                                                                                       \
        const ELEMENT *a = a_base;                                                                                     \
        const ELEMENT *b = b_base;                                                                                     \
        if (condition_stride == 1 && a_stride == 1 && b_stride == 1) {                                                 \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                     \
                const ELEMENT x = a[i], y = b[i];                                                                      \
                out[i] = condition[i] ? x : y;                                                                         \
            }                                                                                                          \
        } else {                                                                                                       \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                const ELEMENT x = a[i * a_stride], y = b[i * b_stride];                                                \
                out[i] = condition[i * condition_stride] ? x : y;                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_SELECT_ROW(select_8_row, uint8_t)
MW_SELECT_ROW(select_16_row, uint16_t)
MW_SELECT_ROW(select_32_row, uint32_t)
MW_SELECT_ROW(select_64_row, uint64_t)

void MW_KERNEL(select)(
    ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, void *out_base, const uint8_t *condition,
    const ptrdiff_t *condition_strides, const void *a, const ptrdiff_t *a_strides, const void *b,
    const ptrdiff_t *b_strides) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(
            &loop, rank, shape, 3, (const ptrdiff_t *const[]){condition_strides, a_strides, b_strides})) {
        return;
    }
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    char *out = out_base;
    do {
        const uint8_t *condition_row = condition + loop.offset[0];
        const char *a_row = (const char *)a + loop.offset[1] * element_size;
        const char *b_row = (const char *)b + loop.offset[2] * element_size;
        const ptrdiff_t condition_stride = mw_strided_loop_stride(&loop, 0);
        const ptrdiff_t a_stride = mw_strided_loop_stride(&loop, 1);
        const ptrdiff_t b_stride = mw_strided_loop_stride(&loop, 2);
        switch (element_size) {
        case 1: select_8_row(count, out, condition_row, condition_stride, a_row, a_stride, b_row, b_stride); break;
        case 2: select_16_row(count, out, condition_row, condition_stride, a_row, a_stride, b_row, b_stride); break;
        case 4: select_32_row(count, out, condition_row, condition_stride, a_row, a_stride, b_row, b_stride); break;
        default: select_64_row(count, out, condition_row, condition_stride, a_row, a_stride, b_row, b_stride);
        }
        out += count * element_size;
    } while (mw_strided_loop_advance(&loop));
}
