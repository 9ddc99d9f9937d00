// Elementwise kernels of one operand, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

#define MW_UNARY_ROW(name, OUT, IN, expression)                                                                       \
    static void name(ptrdiff_t count, void *out_base, const void *a_base, ptrdiff_t a_stride) {                        \
        OUT *out = out_base;                                                                                           \
        const IN *a = a_base;                                                                                          \
        if (a_stride == 1) {                                                                                           \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                     \
                const IN x = a[i];                                                                                     \
                out[i] = (OUT)(expression);                                                                            \
            }                                                                                                          \
        } else {                                                                                                       \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                const IN x = a[i * a_stride];                                                                          \
                out[i] = (OUT)(expression);                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }

typedef void (*unary_row)(ptrdiff_t count, void *out, const void *a, ptrdiff_t a_stride);

MW_UNARY_ROW(negate_row, float, float, -x)
MW_UNARY_ROW(relu_row, float, float, x <= 0.0f ? 0.0f : x)
MW_UNARY_ROW(exp_row, float, float, mw_exp(x))
MW_UNARY_ROW(log_row, float, float, mw_log(x))
MW_UNARY_ROW(sqrt_row, float, float, __builtin_elementwise_sqrt(x))
MW_UNARY_ROW(f32_to_i32_row, int32_t, float, mw_saturating_int32(x))
MW_UNARY_ROW(i32_to_f32_row, float, int32_t, x)
MW_UNARY_ROW(f32_to_bool_row, uint8_t, float, x != 0.0f)
MW_UNARY_ROW(i32_to_bool_row, uint8_t, int32_t, x != 0)
MW_UNARY_ROW(bool_to_f32_row, float, uint8_t, x)
MW_UNARY_ROW(bool_to_i32_row, int32_t, uint8_t, x)

MW_ALWAYS_INLINE void run_unary(
    unary_row row, ptrdiff_t rank, const ptrdiff_t *shape, char *out, ptrdiff_t out_size, const char *a,
    ptrdiff_t a_size, const ptrdiff_t *a_strides) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(&loop, rank, shape, 1, (const ptrdiff_t *const[]){a_strides})) {
        return;
    }
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    const ptrdiff_t stride = mw_strided_loop_stride(&loop, 0);
    do {
        row(count, out, a + loop.offset[0] * a_size, stride);
        out += count * out_size;
    } while (mw_strided_loop_advance(&loop));
}

void MW_KERNEL(unary_f32)(
    mw_unary_operation operation, ptrdiff_t rank, const ptrdiff_t *shape, float *out, const float *a,
    const ptrdiff_t *a_strides) {
    static const unary_row rows[] = {
        [MW_UNARY_NEGATE] = negate_row, [MW_UNARY_RELU] = relu_row, [MW_UNARY_EXP] = exp_row,
        [MW_UNARY_LOG] = log_row,       [MW_UNARY_SQRT] = sqrt_row,
    };
    run_unary(rows[operation], rank, shape, (char *)out, 4, (const char *)a, 4, a_strides);
}

void MW_KERNEL(convert)(
    mw_conversion conversion, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
    const ptrdiff_t *a_strides) {
    static const struct {
        unary_row row;
        ptrdiff_t out_size;
        ptrdiff_t a_size;
    } conversions[] = {
        [MW_CONVERT_F32_TO_I32] = {f32_to_i32_row, 4, 4},   [MW_CONVERT_I32_TO_F32] = {i32_to_f32_row, 4, 4},
        [MW_CONVERT_F32_TO_BOOL] = {f32_to_bool_row, 1, 4}, [MW_CONVERT_I32_TO_BOOL] = {i32_to_bool_row, 1, 4},
        [MW_CONVERT_BOOL_TO_F32] = {bool_to_f32_row, 4, 1}, [MW_CONVERT_BOOL_TO_I32] = {bool_to_i32_row, 4, 1},
    };
    run_unary(
        conversions[conversion].row, rank, shape, out, conversions[conversion].out_size, a,
        conversions[conversion].a_size, a_strides);
}
