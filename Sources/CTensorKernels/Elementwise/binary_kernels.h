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

/// Both operands have elements of four bytes.
MW_ALWAYS_INLINE void run_binary(
    binary_row row, ptrdiff_t rank, const ptrdiff_t *shape, char *out, ptrdiff_t out_size, const char *a,
    const ptrdiff_t *a_strides, const char *b, const ptrdiff_t *b_strides) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(&loop, rank, shape, 2, (const ptrdiff_t *const[]){a_strides, b_strides})) {
        return;
    }
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    const ptrdiff_t a_stride = mw_strided_loop_stride(&loop, 0);
    const ptrdiff_t b_stride = mw_strided_loop_stride(&loop, 1);
    do {
        row(count, out, a + loop.offset[0] * 4, a_stride, b + loop.offset[1] * 4, b_stride);
        out += count * out_size;
    } while (mw_strided_loop_advance(&loop));
}

void MW_KERNEL(binary_f32)(
    mw_binary_operation operation, ptrdiff_t rank, const ptrdiff_t *shape, float *out, const float *a,
    const ptrdiff_t *a_strides, const float *b, const ptrdiff_t *b_strides) {
    static const binary_row rows[] = {
        [MW_BINARY_ADD] = add_row,           [MW_BINARY_SUBTRACT] = subtract_row,
        [MW_BINARY_MULTIPLY] = multiply_row, [MW_BINARY_DIVIDE] = divide_row,
        [MW_BINARY_RELU_GRADIENT] = relu_gradient_row,
    };
    run_binary(
        rows[operation], rank, shape, (char *)out, 4, (const char *)a, a_strides, (const char *)b, b_strides);
}

void MW_KERNEL(binary_i32)(
    mw_integer_operation operation, ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const int32_t *a,
    const ptrdiff_t *a_strides, const int32_t *b, const ptrdiff_t *b_strides) {
    static const binary_row rows[] = {
        [MW_INTEGER_ADD] = integer_add_row,
        [MW_INTEGER_SUBTRACT] = integer_subtract_row,
        [MW_INTEGER_MULTIPLY] = integer_multiply_row,
    };
    run_binary(
        rows[operation], rank, shape, (char *)out, 4, (const char *)a, a_strides, (const char *)b, b_strides);
}

void MW_KERNEL(compare_f32)(
    mw_comparison comparison, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const float *a,
    const ptrdiff_t *a_strides, const float *b, const ptrdiff_t *b_strides) {
    static const binary_row rows[] = {
        [MW_COMPARISON_EQUAL] = equal_f32_row,     [MW_COMPARISON_NOT_EQUAL] = not_equal_f32_row,
        [MW_COMPARISON_LESS] = less_f32_row,       [MW_COMPARISON_LESS_EQUAL] = less_equal_f32_row,
        [MW_COMPARISON_GREATER] = greater_f32_row, [MW_COMPARISON_GREATER_EQUAL] = greater_equal_f32_row,
    };
    run_binary(
        rows[comparison], rank, shape, (char *)out, 1, (const char *)a, a_strides, (const char *)b, b_strides);
}

void MW_KERNEL(compare_i32)(
    mw_comparison comparison, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const int32_t *a,
    const ptrdiff_t *a_strides, const int32_t *b, const ptrdiff_t *b_strides) {
    static const binary_row rows[] = {
        [MW_COMPARISON_EQUAL] = equal_i32_row,     [MW_COMPARISON_NOT_EQUAL] = not_equal_i32_row,
        [MW_COMPARISON_LESS] = less_i32_row,       [MW_COMPARISON_LESS_EQUAL] = less_equal_i32_row,
        [MW_COMPARISON_GREATER] = greater_i32_row, [MW_COMPARISON_GREATER_EQUAL] = greater_equal_i32_row,
    };
    run_binary(
        rows[comparison], rank, shape, (char *)out, 1, (const char *)a, a_strides, (const char *)b, b_strides);
}
