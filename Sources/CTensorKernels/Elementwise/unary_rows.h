// Rows of the elementwise operations of one operand, of one path. Included once by each path's file; see
// Dispatch/kernel_body.h.

typedef void (*unary_row)(ptrdiff_t count, void *out, const void *a, ptrdiff_t a_stride);

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

/// Elements of a block that is looked at before it is computed.
#define MW_BLOCK 1024

/// A row that has a shorter way for ordinary numbers, which gives the same bits: blocks that hold no others take it.
/// Ordinary is what has a key (an unsigned number) up to a limit.
#define MW_UNARY_TWO_WAY_ROW(name, key, limit, ordinary, expression)                                                  \
    static void name(ptrdiff_t count, void *out_base, const void *a_base, ptrdiff_t a_stride) {                        \
        for (ptrdiff_t begin = 0; begin < count; begin += MW_BLOCK) {                                                  \
            float *out = (float *)out_base + begin;                                                                    \
            const float *a = (const float *)a_base + begin * a_stride;                                                 \
            const ptrdiff_t left = count - begin < MW_BLOCK ? count - begin : MW_BLOCK;                                \
            uint32_t largest = 0;                                                                                      \
            for (ptrdiff_t i = 0; i < left && a_stride == 1; i++) {                                                    \
                const float x = a[i];                                                                                  \
                largest = (key) > largest ? (key) : largest;                                                           \
            }                                                                                                          \
            if (a_stride != 1) {                                                                                       \
                for (ptrdiff_t i = 0; i < left; i++) {                                                                 \
                    const float x = a[i * a_stride];                                                                   \
                    out[i] = (expression);                                                                             \
                }                                                                                                      \
            } else if (largest <= (limit)) {                                                                           \
                MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < left; i++) {                                                  \
                    const float x = a[i];                                                                              \
                    out[i] = (ordinary);                                                                               \
                }                                                                                                      \
            } else {                                                                                                   \
                MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < left; i++) {                                                  \
                    const float x = a[i];                                                                              \
                    out[i] = (expression);                                                                             \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

/// The same for what has an exponential in it.
#define MW_UNARY_MODERATE_ROW(name, moderate, expression)                                                             \
    MW_UNARY_TWO_WAY_ROW(                                                                                              \
        name, mw_bits_of(x) & 0x7fffffffu, mw_bits_of(MW_MODERATE_EXP_LIMIT), moderate, expression)

/// A row of a function that is good up to a limit of |x|, and of another that is slow and good beyond, where blocks
/// need it. `BITS` and `bits_of` are of the type.
#define MW_UNARY_LIMITED_ROW(name, TYPE, absolute, BITS, bits_of, limit, expression, beyond)                          \
    static void name(ptrdiff_t count, void *out_base, const void *a_base, ptrdiff_t a_stride) {                        \
        for (ptrdiff_t begin = 0; begin < count; begin += MW_BLOCK) {                                                  \
            TYPE *out = (TYPE *)out_base + begin;                                                                      \
            const TYPE *a = (const TYPE *)a_base + begin * a_stride;                                                   \
            const ptrdiff_t left = count - begin < MW_BLOCK ? count - begin : MW_BLOCK;                                \
            BITS largest = 0;                                                                                          \
            for (ptrdiff_t i = 0; i < left && a_stride == 1; i++) {                                                    \
                const BITS bits = bits_of(absolute(a[i]));                                                             \
                largest = bits > largest ? bits : largest;                                                             \
            }                                                                                                          \
            if (a_stride == 1 && largest <= bits_of((TYPE)(limit))) {                                                  \
                MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < left; i++) {                                                  \
                    const TYPE x = a[i];                                                                               \
                    out[i] = (TYPE)(expression);                                                                       \
                }                                                                                                      \
            } else {                                                                                                   \
                for (ptrdiff_t i = 0; i < left; i++) {                                                                 \
                    const TYPE x = a[i * a_stride];                                                                    \
                    out[i] = absolute(x) > (limit) ? (TYPE)(beyond) : (TYPE)(expression);                              \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

#define MW_UNARY_LIMITED_F32_ROW(name, limit, expression, beyond)                                                     \
    MW_UNARY_LIMITED_ROW(name##_f32_row, float, mw_abs_f32, uint32_t, mw_bits_of, limit, expression, beyond)
#define MW_UNARY_LIMITED_F64_ROW(name, limit, expression, beyond)                                                     \
    MW_UNARY_LIMITED_ROW(name##_f64_row, double, mw_abs_f64, uint64_t, mw_bits_of_f64, limit, expression, beyond)

/// A function of f32 that computes in f64 and is rounded once, and the same of f64.
#define MW_UNARY_FLOAT_ROWS(name, f32_expression, f64_expression)                                                     \
    MW_UNARY_ROW(name##_f32_row, float, float, f32_expression)                                                         \
    MW_UNARY_ROW(name##_f64_row, double, double, f64_expression)

/// Rows of f32 and f64 that one expression serves.
#define MW_UNARY_BOTH_ROWS(name, expression) MW_UNARY_FLOAT_ROWS(name, expression, expression)

/// `wide` is the unsigned type in which the expression is computed, because signed overflow is undefined in C and
/// integers wrap around.
#define MW_UNARY_SIGNED_ROWS(name, expression)                                                                        \
    MW_UNARY_INTEGER_ROW(name##_i8_row, int8_t, uint32_t, expression)                                                  \
    MW_UNARY_INTEGER_ROW(name##_i16_row, int16_t, uint32_t, expression)                                                \
    MW_UNARY_INTEGER_ROW(name##_i32_row, int32_t, uint32_t, expression)                                                \
    MW_UNARY_INTEGER_ROW(name##_i64_row, int64_t, uint64_t, expression)

#define MW_UNARY_UNSIGNED_ROWS(name, expression)                                                                      \
    MW_UNARY_INTEGER_ROW(name##_u8_row, uint8_t, uint32_t, expression)                                                 \
    MW_UNARY_INTEGER_ROW(name##_u16_row, uint16_t, uint32_t, expression)                                               \
    MW_UNARY_INTEGER_ROW(name##_u32_row, uint32_t, uint32_t, expression)                                               \
    MW_UNARY_INTEGER_ROW(name##_u64_row, uint64_t, uint64_t, expression)

#define MW_UNARY_INTEGER_ROW(name, TYPE, WIDE, expression)                                                            \
    static void name(ptrdiff_t count, void *out_base, const void *a_base, ptrdiff_t a_stride) {                        \
        TYPE *out = out_base;                                                                                          \
        const TYPE *a = a_base;                                                                                        \
        typedef WIDE wide;                                                                                             \
        if (a_stride == 1) {                                                                                           \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                     \
                const TYPE x = a[i];                                                                                   \
                out[i] = (TYPE)(wide)(expression);                                                                     \
            }                                                                                                          \
        } else {                                                                                                       \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                const TYPE x = a[i * a_stride];                                                                        \
                out[i] = (TYPE)(wide)(expression);                                                                     \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_UNARY_BOTH_ROWS(negate, -x)
MW_UNARY_BOTH_ROWS(relu, x <= 0 ? 0 : x)
MW_UNARY_BOTH_ROWS(sqrt, __builtin_elementwise_sqrt(x))
MW_UNARY_BOTH_ROWS(abs, __builtin_elementwise_abs(x))
MW_UNARY_BOTH_ROWS(sign, x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x)
MW_UNARY_BOTH_ROWS(square, x *x)
MW_UNARY_BOTH_ROWS(reciprocal, 1 / x)
MW_UNARY_BOTH_ROWS(rsqrt, 1 / __builtin_elementwise_sqrt(x))
MW_UNARY_BOTH_ROWS(ceil, __builtin_elementwise_ceil(x))
MW_UNARY_BOTH_ROWS(floor, __builtin_elementwise_floor(x))
MW_UNARY_BOTH_ROWS(round, __builtin_elementwise_rint(x))
MW_UNARY_BOTH_ROWS(trunc, __builtin_elementwise_trunc(x))

MW_UNARY_MODERATE_ROW(exp_f32_row, mw_exp_moderate(x), mw_exp(x))
MW_UNARY_ROW(exp_f64_row, double, double, mw_exp_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(exp2, mw_exp2(x), mw_exp2_f64(x))
MW_UNARY_FLOAT_ROWS(expm1, mw_expm1_f64(x, MW_FOR_F32), mw_expm1_f64(x, MW_FOR_F64))
// Positive normal numbers are those whose bits, less those of the least, are below those of infinity.
MW_UNARY_TWO_WAY_ROW(log_f32_row, mw_bits_of(x) - 0x00800000u, 0x7effffffu, mw_log_ordinary(x), mw_log(x))
MW_UNARY_ROW(log_f64_row, double, double, mw_log_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(log2, mw_log2_f64(x, MW_FOR_F32), mw_log2_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(log10, mw_log10_f64(x, MW_FOR_F32), mw_log10_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(log1p, mw_log1p(x), mw_log1p_f64(x, MW_FOR_F64))

MW_UNARY_LIMITED_F32_ROW(sin, MW_TRIGONOMETRIC_LIMIT_F32, mw_sin(x), sin((double)x))
MW_UNARY_LIMITED_F32_ROW(cos, MW_TRIGONOMETRIC_LIMIT_F32, mw_cos(x), cos((double)x))
MW_UNARY_LIMITED_F32_ROW(tan, MW_TRIGONOMETRIC_LIMIT_F64, mw_tan_f64(x), tan((double)x))
MW_UNARY_LIMITED_F64_ROW(sin, MW_TRIGONOMETRIC_LIMIT_F64, mw_sin_f64(x), sin(x))
MW_UNARY_LIMITED_F64_ROW(cos, MW_TRIGONOMETRIC_LIMIT_F64, mw_cos_f64(x), cos(x))
MW_UNARY_LIMITED_F64_ROW(tan, MW_TRIGONOMETRIC_LIMIT_F64, mw_tan_f64(x), tan(x))
MW_UNARY_BOTH_ROWS(asin, mw_asin_f64(x))
MW_UNARY_BOTH_ROWS(acos, mw_acos_f64(x))
MW_UNARY_BOTH_ROWS(atan, mw_atan_f64(x))

MW_UNARY_FLOAT_ROWS(sinh, mw_sinh_f64(x, MW_FOR_F32), mw_sinh_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(cosh, mw_cosh_f64(x, MW_FOR_F32), mw_cosh_f64(x, MW_FOR_F64))
MW_UNARY_ROW(tanh_f64_row, double, double, mw_tanh_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(asinh, mw_asinh_f64(x, MW_FOR_F32), mw_asinh_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(acosh, mw_acosh_f64(x, MW_FOR_F32), mw_acosh_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(atanh, mw_atanh(x), mw_atanh_f64(x))

MW_UNARY_ROW(erf_f64_row, double, double, mw_erf_f64(x))
MW_UNARY_FLOAT_ROWS(erfc, mw_erfc_f64_for_f32(x), mw_erfc_f64(x))
MW_UNARY_FLOAT_ROWS(erf_inverse, mw_erf_inverse(x), mw_erf_inverse_f64(x))

MW_UNARY_MODERATE_ROW(sigmoid_f32_row, 1.0f / mw_one_plus_exp_of_moderate(x), mw_sigmoid(x))
MW_UNARY_ROW(sigmoid_f64_row, double, double, mw_sigmoid_f64(x))
MW_UNARY_FLOAT_ROWS(log_sigmoid, mw_log_sigmoid(x), mw_log_sigmoid_f64(x))
MW_UNARY_FLOAT_ROWS(gelu, mw_gelu(x), mw_gelu_f64(x))
MW_UNARY_FLOAT_ROWS(gelu_tanh, mw_gelu_tanh(x), mw_gelu_tanh_f64(x))
MW_UNARY_MODERATE_ROW(silu_f32_row, x / mw_one_plus_exp_of_moderate(x), mw_silu(x))
MW_UNARY_ROW(silu_f64_row, double, double, mw_silu_f64(x))
MW_UNARY_FLOAT_ROWS(mish, mw_mish_f64(x, MW_FOR_F32), mw_mish_f64(x, MW_FOR_F64))
MW_UNARY_FLOAT_ROWS(softplus, mw_softplus(x), mw_softplus_f64(x))
#define MW_RELU6(x) ((x) < 0 ? 0 : (x) > 6 ? 6 : (x))
MW_UNARY_BOTH_ROWS(hard_sigmoid, MW_RELU6(x + 3) / 6)
// Below -3 the factor is 0, and -inf · 0 would not be a number.
MW_UNARY_BOTH_ROWS(hard_swish, (x < -3 ? -3 : x) * (MW_RELU6(x + 3) / 6))

MW_UNARY_SIGNED_ROWS(integer_negate, -(wide)x)
MW_UNARY_UNSIGNED_ROWS(integer_negate, -(wide)x)
MW_UNARY_SIGNED_ROWS(integer_relu, x < 0 ? 0 : (wide)x)
MW_UNARY_SIGNED_ROWS(integer_abs, x < 0 ? -(wide)x : (wide)x)
MW_UNARY_UNSIGNED_ROWS(integer_abs, x)
MW_UNARY_SIGNED_ROWS(integer_sign, (wide)(x > 0) - (wide)(x < 0))
MW_UNARY_UNSIGNED_ROWS(integer_sign, x != 0)
MW_UNARY_SIGNED_ROWS(integer_square, (wide)x *(wide)x)
MW_UNARY_UNSIGNED_ROWS(integer_square, (wide)x *(wide)x)
MW_UNARY_SIGNED_ROWS(bitwise_not, ~(wide)x)
MW_UNARY_UNSIGNED_ROWS(bitwise_not, ~(wide)x)
// 16-bit floats have their sign where the other 16-bit floats have it.
MW_UNARY_ROW(negate_half_row, uint16_t, uint16_t, x ^ 0x8000)
MW_UNARY_ROW(abs_half_row, uint16_t, uint16_t, x & 0x7fff)
MW_UNARY_ROW(logical_not_row, uint8_t, uint8_t, x ^ 1)
