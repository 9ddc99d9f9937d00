// Rows of two contiguous operands, one loop for each operation and type, of one path. Included once by each path's file;
// see Dispatch/kernel_body.h.

typedef void (*pair_row)(ptrdiff_t count, void *out, const void *a, const void *b);

#define MW_PAIR_ROW_WITH(loop, name, OUT, IN, expression)                                                             \
    static void name(ptrdiff_t count, void *out_base, const void *a_base, const void *b_base) {                        \
        OUT *out = out_base;                                                                                           \
        const IN *a = a_base;                                                                                          \
        const IN *b = b_base;                                                                                          \
        loop for (ptrdiff_t i = 0; i < count; i++) {                                                                   \
            const IN x = a[i], y = b[i];                                                                               \
            out[i] = (OUT)(expression);                                                                                \
        }                                                                                                              \
    }

#define MW_PAIR_ROW(name, OUT, IN, expression) MW_PAIR_ROW_WITH(MW_VECTOR_LOOP, name, OUT, IN, expression)
/// For what calls a function or loops in turn, and does not vectorise.
#define MW_SCALAR_PAIR_ROW(name, OUT, IN, expression) MW_PAIR_ROW_WITH(, name, OUT, IN, expression)

#define MW_FLOAT_PAIR_ROWS(suffix, FLOAT)                                                                             \
    MW_PAIR_ROW(add_##suffix, FLOAT, FLOAT, x + y)                                                                     \
    MW_PAIR_ROW(subtract_##suffix, FLOAT, FLOAT, x - y)                                                                \
    MW_PAIR_ROW(multiply_##suffix, FLOAT, FLOAT, x * y)                                                                \
    MW_PAIR_ROW(divide_##suffix, FLOAT, FLOAT, x / y)                                                                  \
    MW_PAIR_ROW(relu_gradient_##suffix, FLOAT, FLOAT, x > 0 ? y : 0)                                                   \
    MW_PAIR_ROW(maximum_##suffix, FLOAT, FLOAT, x >= y || x != x ? x : y)                                           \
    MW_PAIR_ROW(minimum_##suffix, FLOAT, FLOAT, x <= y || x != x ? x : y)                                           \
    MW_PAIR_ROW(copy_sign_##suffix, FLOAT, FLOAT, mw_with_sign_##suffix(mw_abs_##suffix(x), y))

MW_FLOAT_PAIR_ROWS(f32, float)
MW_FLOAT_PAIR_ROWS(f64, double)

MW_PAIR_ROW(power_f32, float, float, mw_power_f32(x, y))
MW_PAIR_ROW(atan2_f32, float, float, mw_atan2_f32(x, y))
MW_PAIR_ROW(hypot_f32, float, float, mw_hypot_f32(x, y))
MW_PAIR_ROW(log_add_exp_f32, float, float, mw_log_add_exp_f32(x, y))
MW_PAIR_ROW(power_f64, double, double, mw_power_f64(x, y))
MW_PAIR_ROW(atan2_f64, double, double, mw_atan2_f64(x, y))
MW_PAIR_ROW(hypot_f64, double, double, mw_hypot_f64(x, y))
MW_PAIR_ROW(log_add_exp_f64, double, double, mw_log_add_exp_f64(x, y))

/// The remainders of a block of f32, with the dividend's sign, as C's fmodf has them. While |x / y| < 2^28 the quotient
/// toward zero, computed in f64, is exact, and so are its product with y and the difference; a block with a greater
/// quotient, an infinity, NaN or a division by 0 is left to the library's loop over bits, which gives the same.
static void truncated_remainders_f32(ptrdiff_t count, float *out, const float *a, const float *b) {
    uint32_t is_hard = 0;
    MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {
        const double x = a[i], y = b[i];
        const double quotient = x / y;
        // A finite number over an infinity is an easy quotient of 0, but 0 times that infinity is not a number.
        const int is_easy = (quotient < 0x1p28) & (quotient > -0x1p28) & (y - y == 0.0);
        const int32_t truncated = (int32_t)(is_easy ? quotient : 0.0);
        out[i] = mw_with_sign_f32((float)(x - (double)truncated * y), a[i]);
        is_hard |= is_easy ? 0u : 1u;
    }
    for (ptrdiff_t i = 0; is_hard != 0 && i < count; i++) {
        out[i] = fmodf(a[i], b[i]);
    }
}

/// As for f32, while |x / y| < 2^52: the rounded quotient may be one too far from zero, which shows in the sign of the
/// exact, fused difference, and adding y then is exact.
static void truncated_remainders_f64(ptrdiff_t count, double *out, const double *a, const double *b) {
    uint64_t is_hard = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const double x = a[i], y = b[i];
        const double quotient = x / y;
        const int is_easy = (quotient < 0x1p52) & (quotient > -0x1p52) & (y - y == 0.0);
        const double truncated = __builtin_elementwise_trunc(is_easy ? quotient : 0.0);
        const double rest = __builtin_elementwise_fma(-truncated, y, x);
        const int is_beyond = x < 0 ? rest > 0 : rest < 0;
        out[i] = mw_with_sign_f64(is_beyond ? rest + mw_with_sign_f64(mw_abs_f64(y), x) : rest, x);
        is_hard |= is_easy ? 0u : 1u;
    }
    for (ptrdiff_t i = 0; is_hard != 0 && i < count; i++) {
        out[i] = fmod(a[i], b[i]);
    }
}

/// Rows of floats that begin with a remainder, here called `rest`.
#define MW_REMAINDER_PAIR_ROW(name, suffix, FLOAT, expression)                                                        \
    static void name##_##suffix(ptrdiff_t count, void *out_base, const void *a_base, const void *b_base) {             \
        FLOAT *out = out_base;                                                                                         \
        const FLOAT *a = a_base;                                                                                       \
        const FLOAT *b = b_base;                                                                                       \
        for (ptrdiff_t done = 0; done < count; done += MW_STAGING_ELEMENTS) {                                          \
            const ptrdiff_t block = count - done < MW_STAGING_ELEMENTS ? count - done : MW_STAGING_ELEMENTS;           \
            FLOAT remainders[MW_STAGING_ELEMENTS];                                                                     \
            truncated_remainders_##suffix(block, remainders, a + done, b + done);                                      \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < block; i++) {                                                     \
                const FLOAT x = a[done + i], y = b[done + i], rest = remainders[i];                                    \
                (void)x, (void)y;                                                                                      \
                out[done + i] = expression;                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }

#define MW_REMAINDER_PAIR_ROWS(suffix, FLOAT)                                                                         \
    MW_REMAINDER_PAIR_ROW(truncated_remainder, suffix, FLOAT, rest)                                                    \
    MW_REMAINDER_PAIR_ROW(floor_remainder, suffix, FLOAT, mw_floor_remainder_##suffix(y, rest))                        \
    MW_REMAINDER_PAIR_ROW(floor_quotient, suffix, FLOAT, mw_floor_quotient_##suffix(x, y, rest))

MW_REMAINDER_PAIR_ROWS(f32, float)
MW_REMAINDER_PAIR_ROWS(f64, double)

// Unsigned, because signed overflow is undefined in C and these wrap around. What is narrower than `int` is first made
// unsigned of its width by the factor.
#define MW_WIDTH_PAIR_ROWS(width)                                                                                     \
    MW_PAIR_ROW(add_##width, uint##width##_t, uint##width##_t, 1u * x + y)                                             \
    MW_PAIR_ROW(subtract_##width, uint##width##_t, uint##width##_t, 1u * x - y)                                        \
    MW_PAIR_ROW(multiply_##width, uint##width##_t, uint##width##_t, 1u * x * y)                                        \
    MW_PAIR_ROW(and_##width, uint##width##_t, uint##width##_t, x & y)                                                  \
    MW_PAIR_ROW(or_##width, uint##width##_t, uint##width##_t, x | y)                                                   \
    MW_PAIR_ROW(xor_##width, uint##width##_t, uint##width##_t, x ^ y)                                                  \
    MW_PAIR_ROW(shift_left_##width, uint##width##_t, uint##width##_t, y < width ? 1u * x << (y & (width - 1)) : 0)     \
    MW_SCALAR_PAIR_ROW(power_##width, uint##width##_t, uint##width##_t, mw_power_u##width(x, y))                       \
    MW_PAIR_ROW(equal_##width, uint8_t, uint##width##_t, x == y)                                                       \
    MW_PAIR_ROW(not_equal_##width, uint8_t, uint##width##_t, x != y)

MW_WIDTH_PAIR_ROWS(8)
MW_WIDTH_PAIR_ROWS(16)
MW_WIDTH_PAIR_ROWS(32)
MW_WIDTH_PAIR_ROWS(64)

/// `count` is the shift as an unsigned number: a negative one is too far as well.
#define MW_INTEGER_PAIR_ROWS(loop, suffix, INTEGER, width, beyond)                                                    \
    MW_PAIR_ROW(maximum_##suffix, INTEGER, INTEGER, x > y ? x : y)                                                     \
    MW_PAIR_ROW(minimum_##suffix, INTEGER, INTEGER, x < y ? x : y)                                                     \
    MW_PAIR_ROW(                                                                                                       \
        shift_right_##suffix, INTEGER, INTEGER,                                                                        \
        (uint##width##_t)y < width ? x >> ((uint##width##_t)y & (width - 1)) : beyond)                                 \
    loop(truncated_remainder_##suffix, INTEGER, INTEGER, mw_truncated_remainder_##suffix(x, y))                        \
    loop(floor_quotient_##suffix, INTEGER, INTEGER, mw_floor_quotient_##suffix(x, y))                                  \
    loop(floor_remainder_##suffix, INTEGER, INTEGER, mw_floor_remainder_##suffix(x, y))

MW_INTEGER_PAIR_ROWS(MW_PAIR_ROW, i8, int8_t, 8, x >> 7)
MW_INTEGER_PAIR_ROWS(MW_PAIR_ROW, i16, int16_t, 16, x >> 15)
MW_INTEGER_PAIR_ROWS(MW_PAIR_ROW, i32, int32_t, 32, x >> 31)
MW_INTEGER_PAIR_ROWS(MW_SCALAR_PAIR_ROW, i64, int64_t, 64, x >> 63)
MW_INTEGER_PAIR_ROWS(MW_PAIR_ROW, u8, uint8_t, 8, 0)
MW_INTEGER_PAIR_ROWS(MW_PAIR_ROW, u16, uint16_t, 16, 0)
MW_INTEGER_PAIR_ROWS(MW_PAIR_ROW, u32, uint32_t, 32, 0)
MW_INTEGER_PAIR_ROWS(MW_SCALAR_PAIR_ROW, u64, uint64_t, 64, 0)

#define MW_ORDER_PAIR_ROWS(suffix, ELEMENT)                                                                           \
    MW_PAIR_ROW(less_##suffix, uint8_t, ELEMENT, x < y)                                                                \
    MW_PAIR_ROW(less_equal_##suffix, uint8_t, ELEMENT, x <= y)

MW_ORDER_PAIR_ROWS(f32, float)
MW_ORDER_PAIR_ROWS(f64, double)
MW_ORDER_PAIR_ROWS(i8, int8_t)
MW_ORDER_PAIR_ROWS(i16, int16_t)
MW_ORDER_PAIR_ROWS(i32, int32_t)
MW_ORDER_PAIR_ROWS(i64, int64_t)
MW_ORDER_PAIR_ROWS(u8, uint8_t)
MW_ORDER_PAIR_ROWS(u16, uint16_t)
MW_ORDER_PAIR_ROWS(u32, uint32_t)
MW_ORDER_PAIR_ROWS(u64, uint64_t)
MW_PAIR_ROW(equal_f32, uint8_t, float, x == y)
MW_PAIR_ROW(equal_f64, uint8_t, double, x == y)
MW_PAIR_ROW(not_equal_f32, uint8_t, float, x != y)
MW_PAIR_ROW(not_equal_f64, uint8_t, double, x != y)
