// Elementwise kernels of two operands, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

#define MW_BINARY_ROW(name, OUT, IN, expression)                                                                      \
    static void name(                                                                                                  \
        ptrdiff_t count, void *out_base, const void *a_base, ptrdiff_t a_stride, const void *b_base,                   \
        ptrdiff_t b_stride) {                                                                                          \
        OUT *out = out_base;                                                                                           \
        const IN *a = a_base;                                                                                          \
        const IN *b = b_base;                                                                                          \
        if (a_stride == 1 && b_stride == 1) {                                                                          \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                     \
                const IN x = a[i], y = b[i];                                                                           \
                out[i] = (OUT)(expression);                                                                            \
            }                                                                                                          \
        } else if (a_stride == 1 && b_stride == 0) {                                                                   \
            const IN y = *b;                                                                                           \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                     \
                const IN x = a[i];                                                                                     \
                out[i] = (OUT)(expression);                                                                            \
            }                                                                                                          \
        } else if (a_stride == 0 && b_stride == 1) {                                                                   \
            const IN x = *a;                                                                                           \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                     \
                const IN y = b[i];                                                                                     \
                out[i] = (OUT)(expression);                                                                            \
            }                                                                                                          \
        } else {                                                                                                       \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                const IN x = a[i * a_stride], y = b[i * b_stride];                                                     \
                out[i] = (OUT)(expression);                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }

typedef void (*binary_row)(
    ptrdiff_t count, void *out, const void *a, ptrdiff_t a_stride, const void *b, ptrdiff_t b_stride);

MW_BINARY_ROW(add_row, float, float, x + y)
MW_BINARY_ROW(subtract_row, float, float, x - y)
MW_BINARY_ROW(multiply_row, float, float, x *y)
MW_BINARY_ROW(divide_row, float, float, x / y)
MW_BINARY_ROW(relu_gradient_row, float, float, x > 0.0f ? y : 0.0f)

// Unsigned, because signed overflow is undefined in C and these wrap around.
MW_BINARY_ROW(integer_add_row, uint32_t, uint32_t, x + y)
MW_BINARY_ROW(integer_subtract_row, uint32_t, uint32_t, x - y)
MW_BINARY_ROW(integer_multiply_row, uint32_t, uint32_t, x *y)

MW_BINARY_ROW(equal_f32_row, uint8_t, float, x == y)
MW_BINARY_ROW(not_equal_f32_row, uint8_t, float, x != y)
MW_BINARY_ROW(less_f32_row, uint8_t, float, x < y)
MW_BINARY_ROW(less_equal_f32_row, uint8_t, float, x <= y)
MW_BINARY_ROW(greater_f32_row, uint8_t, float, x > y)
MW_BINARY_ROW(greater_equal_f32_row, uint8_t, float, x >= y)

MW_BINARY_ROW(equal_i32_row, uint8_t, int32_t, x == y)
MW_BINARY_ROW(not_equal_i32_row, uint8_t, int32_t, x != y)
MW_BINARY_ROW(less_i32_row, uint8_t, int32_t, x < y)
MW_BINARY_ROW(less_equal_i32_row, uint8_t, int32_t, x <= y)
MW_BINARY_ROW(greater_i32_row, uint8_t, int32_t, x > y)
MW_BINARY_ROW(greater_equal_i32_row, uint8_t, int32_t, x >= y)

MW_ALWAYS_INLINE void run_binary(
    binary_row row, ptrdiff_t rank, const ptrdiff_t *shape, char *out, ptrdiff_t out_size, const char *a,
    const ptrdiff_t *a_strides, const char *b, const ptrdiff_t *b_strides, ptrdiff_t size) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(&loop, rank, shape, 2, (const ptrdiff_t *const[]){a_strides, b_strides})) {
        return;
    }
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    const ptrdiff_t a_stride = mw_strided_loop_stride(&loop, 0);
    const ptrdiff_t b_stride = mw_strided_loop_stride(&loop, 1);
    do {
        row(count, out, a + loop.offset[0] * size, a_stride, b + loop.offset[1] * size, b_stride);
        out += count * out_size;
    } while (mw_strided_loop_advance(&loop));
}

void MW_KERNEL(binary)(
    mw_binary_operation operation, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides) {
    static const binary_row rows[][MW_DTYPE_COUNT] = {
        [MW_BINARY_ADD] = {[MW_DTYPE_F32] = add_row, [MW_DTYPE_I32] = integer_add_row},
        [MW_BINARY_SUBTRACT] = {[MW_DTYPE_F32] = subtract_row, [MW_DTYPE_I32] = integer_subtract_row},
        [MW_BINARY_MULTIPLY] = {[MW_DTYPE_F32] = multiply_row, [MW_DTYPE_I32] = integer_multiply_row},
        [MW_BINARY_DIVIDE] = {[MW_DTYPE_F32] = divide_row},
        [MW_BINARY_RELU_GRADIENT] = {[MW_DTYPE_F32] = relu_gradient_row},
    };
    const ptrdiff_t size = mw_dtype_size(dtype);
    run_binary(rows[operation][dtype], rank, shape, out, size, a, a_strides, b, b_strides, size);
}

void MW_KERNEL(compare)(
    mw_comparison comparison, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides) {
    static const binary_row rows[][MW_DTYPE_COUNT] = {
        [MW_COMPARISON_EQUAL] = {[MW_DTYPE_F32] = equal_f32_row, [MW_DTYPE_I32] = equal_i32_row},
        [MW_COMPARISON_NOT_EQUAL] = {[MW_DTYPE_F32] = not_equal_f32_row, [MW_DTYPE_I32] = not_equal_i32_row},
        [MW_COMPARISON_LESS] = {[MW_DTYPE_F32] = less_f32_row, [MW_DTYPE_I32] = less_i32_row},
        [MW_COMPARISON_LESS_EQUAL] = {[MW_DTYPE_F32] = less_equal_f32_row, [MW_DTYPE_I32] = less_equal_i32_row},
        [MW_COMPARISON_GREATER] = {[MW_DTYPE_F32] = greater_f32_row, [MW_DTYPE_I32] = greater_i32_row},
        [MW_COMPARISON_GREATER_EQUAL] =
            {[MW_DTYPE_F32] = greater_equal_f32_row, [MW_DTYPE_I32] = greater_equal_i32_row},
    };
    run_binary(
        rows[comparison][dtype], rank, shape, (char *)out, 1, a, a_strides, b, b_strides, mw_dtype_size(dtype));
}
