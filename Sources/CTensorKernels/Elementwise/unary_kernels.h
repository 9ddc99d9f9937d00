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

void MW_KERNEL(unary)(
    mw_unary_operation operation, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
    const ptrdiff_t *a_strides) {
    static const unary_row rows[][MW_DTYPE_COUNT] = {
        [MW_UNARY_NEGATE] = {[MW_DTYPE_F32] = negate_row}, [MW_UNARY_RELU] = {[MW_DTYPE_F32] = relu_row},
        [MW_UNARY_EXP] = {[MW_DTYPE_F32] = exp_row},       [MW_UNARY_LOG] = {[MW_DTYPE_F32] = log_row},
        [MW_UNARY_SQRT] = {[MW_DTYPE_F32] = sqrt_row},
    };
    const ptrdiff_t size = mw_dtype_size(dtype);
    run_unary(rows[operation][dtype], rank, shape, out, size, a, size, a_strides);
}

void MW_KERNEL(convert)(
    mw_dtype to, mw_dtype from, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
    const ptrdiff_t *a_strides) {
    static const unary_row rows[MW_DTYPE_COUNT][MW_DTYPE_COUNT] = {
        [MW_DTYPE_I32] = {[MW_DTYPE_F32] = f32_to_i32_row, [MW_DTYPE_BOOL] = bool_to_i32_row},
        [MW_DTYPE_F32] = {[MW_DTYPE_I32] = i32_to_f32_row, [MW_DTYPE_BOOL] = bool_to_f32_row},
        [MW_DTYPE_BOOL] = {[MW_DTYPE_F32] = f32_to_bool_row, [MW_DTYPE_I32] = i32_to_bool_row},
    };
    run_unary(
        rows[to][from], rank, shape, out, mw_dtype_size(to), a, mw_dtype_size(from), a_strides);
}
