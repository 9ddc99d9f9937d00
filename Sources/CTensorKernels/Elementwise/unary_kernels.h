// Elementwise kernels of one operand, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

#include "unary_rows.h"
#include "unary_lanes.h"

/// A walk over one operand, and the row function that it runs.
typedef struct unary_walk {
    unary_row row;
    char *out;
    const char *a;
    ptrdiff_t out_size;
    ptrdiff_t a_size;
} unary_walk;

static void unary_walk_row(
    void *context, ptrdiff_t count, ptrdiff_t out_offset, const ptrdiff_t *offsets, const ptrdiff_t *strides) {
    const unary_walk *walk = context;
    walk->row(count, walk->out + out_offset * walk->out_size, walk->a + offsets[0] * walk->a_size, strides[0]);
}

/// A row of 16-bit floats: widened to f32 in blocks that stay in the first cache, computed there, and rounded once.
#define MW_UNARY_NARROW_WALK_ROW(name, widen, narrow)                                                                 \
    static void name(                                                                                                  \
        void *context, ptrdiff_t count, ptrdiff_t out_offset, const ptrdiff_t *offsets, const ptrdiff_t *strides) {    \
        const unary_walk *walk = context;                                                                              \
        uint16_t *out = (uint16_t *)walk->out + out_offset;                                                            \
        const uint16_t *a = (const uint16_t *)walk->a + offsets[0];                                                    \
        const ptrdiff_t stride = strides[0];                                                                           \
        float block[1024];                                                                                             \
        for (ptrdiff_t begin = 0; begin < count; begin += 1024) {                                                      \
            const ptrdiff_t left = count - begin < 1024 ? count - begin : 1024;                                        \
            if (stride == 1) {                                                                                         \
                MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < left; i++) {                                                  \
                    block[i] = widen(a[begin + i]);                                                                    \
                }                                                                                                      \
            } else {                                                                                                   \
                for (ptrdiff_t i = 0; i < left; i++) {                                                                 \
                    block[i] = widen(a[(begin + i) * stride]);                                                         \
                }                                                                                                      \
            }                                                                                                          \
            walk->row(left, block, block, 1);                                                                          \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < left; i++) {                                                      \
                out[begin + i] = narrow(block[i]);                                                                     \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_UNARY_NARROW_WALK_ROW(unary_walk_bf16_row, mw_f32_of_bf16, mw_bf16_of_f32)
MW_UNARY_NARROW_WALK_ROW(unary_walk_f16_row, mw_f32_of_f16, mw_f16_of_f32)

#define MW_UNARY_FLOATS(name) [MW_DTYPE_F32] = name##_f32_row, [MW_DTYPE_F64] = name##_f64_row
#define MW_UNARY_HALVES(name) [MW_DTYPE_BF16] = name##_half_row, [MW_DTYPE_F16] = name##_half_row
#define MW_UNARY_SIGNED(name)                                                                                         \
    [MW_DTYPE_I8] = name##_i8_row, [MW_DTYPE_I16] = name##_i16_row, [MW_DTYPE_I32] = name##_i32_row,                   \
    [MW_DTYPE_I64] = name##_i64_row
#define MW_UNARY_INTEGERS(name)                                                                                       \
    MW_UNARY_SIGNED(name), [MW_DTYPE_U8] = name##_u8_row, [MW_DTYPE_U16] = name##_u16_row,                             \
                           [MW_DTYPE_U32] = name##_u32_row, [MW_DTYPE_U64] = name##_u64_row

_Static_assert(MW_UNARY_LOGICAL_NOT + 1 == MW_UNARY_COUNT, "the count is that of the operations");

static const unary_row unary_rows[MW_UNARY_COUNT][MW_DTYPE_COUNT] = {
    [MW_UNARY_NEGATE] = {MW_UNARY_FLOATS(negate), MW_UNARY_HALVES(negate), MW_UNARY_INTEGERS(integer_negate)},
    [MW_UNARY_RELU] = {MW_UNARY_FLOATS(relu), MW_UNARY_SIGNED(integer_relu)},
    [MW_UNARY_EXP] = {MW_UNARY_FLOATS(exp)},
    [MW_UNARY_LOG] = {MW_UNARY_FLOATS(log)},
    [MW_UNARY_SQRT] = {MW_UNARY_FLOATS(sqrt)},
    [MW_UNARY_ABS] = {MW_UNARY_FLOATS(abs), MW_UNARY_HALVES(abs), MW_UNARY_INTEGERS(integer_abs)},
    [MW_UNARY_SIGN] = {MW_UNARY_FLOATS(sign), MW_UNARY_INTEGERS(integer_sign)},
    [MW_UNARY_SQUARE] = {MW_UNARY_FLOATS(square), MW_UNARY_INTEGERS(integer_square)},
    [MW_UNARY_RECIPROCAL] = {MW_UNARY_FLOATS(reciprocal)},
    [MW_UNARY_RSQRT] = {MW_UNARY_FLOATS(rsqrt)},
    [MW_UNARY_CEIL] = {MW_UNARY_FLOATS(ceil)},
    [MW_UNARY_FLOOR] = {MW_UNARY_FLOATS(floor)},
    [MW_UNARY_ROUND] = {MW_UNARY_FLOATS(round)},
    [MW_UNARY_TRUNC] = {MW_UNARY_FLOATS(trunc)},
    [MW_UNARY_EXP2] = {MW_UNARY_FLOATS(exp2)},
    [MW_UNARY_EXPM1] = {MW_UNARY_FLOATS(expm1)},
    [MW_UNARY_LOG2] = {MW_UNARY_FLOATS(log2)},
    [MW_UNARY_LOG10] = {MW_UNARY_FLOATS(log10)},
    [MW_UNARY_LOG1P] = {MW_UNARY_FLOATS(log1p)},
    [MW_UNARY_SIN] = {MW_UNARY_FLOATS(sin)},
    [MW_UNARY_COS] = {MW_UNARY_FLOATS(cos)},
    [MW_UNARY_TAN] = {MW_UNARY_FLOATS(tan)},
    [MW_UNARY_ASIN] = {MW_UNARY_FLOATS(asin)},
    [MW_UNARY_ACOS] = {MW_UNARY_FLOATS(acos)},
    [MW_UNARY_ATAN] = {MW_UNARY_FLOATS(atan)},
    [MW_UNARY_SINH] = {MW_UNARY_FLOATS(sinh)},
    [MW_UNARY_COSH] = {MW_UNARY_FLOATS(cosh)},
    [MW_UNARY_TANH] = {MW_UNARY_FLOATS(tanh)},
    [MW_UNARY_ASINH] = {MW_UNARY_FLOATS(asinh)},
    [MW_UNARY_ACOSH] = {MW_UNARY_FLOATS(acosh)},
    [MW_UNARY_ATANH] = {MW_UNARY_FLOATS(atanh)},
    [MW_UNARY_ERF] = {MW_UNARY_FLOATS(erf)},
    [MW_UNARY_ERFC] = {MW_UNARY_FLOATS(erfc)},
    [MW_UNARY_ERF_INVERSE] = {MW_UNARY_FLOATS(erf_inverse)},
    [MW_UNARY_SIGMOID] = {MW_UNARY_FLOATS(sigmoid)},
    [MW_UNARY_LOG_SIGMOID] = {MW_UNARY_FLOATS(log_sigmoid)},
    [MW_UNARY_GELU] = {MW_UNARY_FLOATS(gelu)},
    [MW_UNARY_GELU_TANH] = {MW_UNARY_FLOATS(gelu_tanh)},
    [MW_UNARY_SILU] = {MW_UNARY_FLOATS(silu)},
    [MW_UNARY_MISH] = {MW_UNARY_FLOATS(mish)},
    [MW_UNARY_SOFTPLUS] = {MW_UNARY_FLOATS(softplus)},
    [MW_UNARY_HARD_SIGMOID] = {MW_UNARY_FLOATS(hard_sigmoid)},
    [MW_UNARY_HARD_SWISH] = {MW_UNARY_FLOATS(hard_swish)},
    [MW_UNARY_BITWISE_NOT] = {MW_UNARY_INTEGERS(bitwise_not)},
    [MW_UNARY_LOGICAL_NOT] = {[MW_DTYPE_BOOL] = logical_not_row},
};

/// Memory bounds the operations that take an instruction or two.
static ptrdiff_t unary_sharing_threshold(mw_unary_operation operation) {
    switch (operation) {
    case MW_UNARY_NEGATE:
    case MW_UNARY_RELU:
    case MW_UNARY_SQRT:
    case MW_UNARY_ABS:
    case MW_UNARY_SIGN:
    case MW_UNARY_SQUARE:
    case MW_UNARY_RECIPROCAL:
    case MW_UNARY_RSQRT:
    case MW_UNARY_CEIL:
    case MW_UNARY_FLOOR:
    case MW_UNARY_ROUND:
    case MW_UNARY_TRUNC:
    case MW_UNARY_HARD_SIGMOID:
    case MW_UNARY_HARD_SWISH:
    case MW_UNARY_BITWISE_NOT:
    case MW_UNARY_LOGICAL_NOT:
        return MW_SHARE_CHEAP_FROM;
    default:
        return MW_SHARE_COSTLY_FROM;
    }
}

void MW_KERNEL(unary)(
    mw_unary_operation operation, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
    const ptrdiff_t *a_strides) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(&loop, rank, shape, 1, (const ptrdiff_t *const[]){a_strides})) {
        return;
    }
    // 16-bit floats without a row of their own are computed by that of f32.
    const unary_row own = unary_rows[operation][dtype];
    const ptrdiff_t size = mw_dtype_size(dtype);
    unary_walk walk = {own != NULL ? own : unary_rows[operation][MW_DTYPE_F32], out, a, size, size};
    const mw_row_function row = own != NULL              ? unary_walk_row
                                : dtype == MW_DTYPE_BF16 ? unary_walk_bf16_row
                                                         : unary_walk_f16_row;
    mw_strided_run(&loop, unary_sharing_threshold(operation), row, &walk);
}
