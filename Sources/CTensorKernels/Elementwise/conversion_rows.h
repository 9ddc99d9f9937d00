// Rows that convert contiguous elements from one type to another, of one path. Included once by each path's file; see
// Dispatch/kernel_body.h.

#define MW_CONVERSION_ROW(name, OUT, IN, expression)                                                                  \
    static void name(ptrdiff_t count, void *out_base, const void *a_base) {                                            \
        OUT *out = out_base;                                                                                           \
        const IN *a = a_base;                                                                                          \
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                         \
            const IN x = a[i];                                                                                         \
            out[i] = (OUT)(expression);                                                                                \
        }                                                                                                              \
    }

// Floats of 16 bits. The processors' conversions give the bits of the portable ones, NaNs' among them.
MW_CONVERSION_ROW(bf16_to_f32_row, float, uint16_t, mw_f32_of_bf16(x))
MW_CONVERSION_ROW(f32_to_bf16_row, uint16_t, float, mw_bf16_of_f32(x))

static void f16_to_f32_row(ptrdiff_t count, void *out_base, const void *a_base) {
    float *out = out_base;
    const uint16_t *a = a_base;
    ptrdiff_t done = 0;
#ifdef MW_PATH_HAS_F16C
    for (; done + 8 <= count; done += 8) {
        _mm256_storeu_ps(out + done, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(a + done))));
    }
#endif
    for (; done < count; done++) {
        out[done] = mw_f32_of_f16(a[done]);
    }
}

static void f32_to_f16_row(ptrdiff_t count, void *out_base, const void *a_base) {
    uint16_t *out = out_base;
    const float *a = a_base;
    ptrdiff_t done = 0;
#ifdef MW_PATH_HAS_F16C
    for (; done + 8 <= count; done += 8) {
        const __m128i halves =
            _mm256_cvtps_ph(_mm256_loadu_ps(a + done), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        _mm_storeu_si128((__m128i *)(void *)(out + done), halves);
    }
#endif
    for (; done < count; done++) {
        out[done] = mw_f16_of_f32(a[done]);
    }
}

MW_CONVERSION_ROW(f32_to_f64_row, double, float, x)
MW_CONVERSION_ROW(f64_to_f32_row, float, double, x)
MW_CONVERSION_ROW(f64_to_odd_row, float, double, mw_odd_f32_of_f64(x))
MW_CONVERSION_ROW(i32_to_odd_row, float, int32_t, mw_odd_f32_of_f64((double)x))
MW_CONVERSION_ROW(u32_to_odd_row, float, uint32_t, mw_odd_f32_of_f64((double)x))
MW_CONVERSION_ROW(i64_to_odd_row, float, int64_t, mw_odd_f32_of_i64(x))
MW_CONVERSION_ROW(u64_to_odd_row, float, uint64_t, mw_odd_f32_of_u64(x))

// Integers of one width are the same bytes; narrower ones keep the low bytes, wider ones repeat the sign, if there is one.
MW_CONVERSION_ROW(copy_8_row, uint8_t, uint8_t, x)
MW_CONVERSION_ROW(copy_16_row, uint16_t, uint16_t, x)
MW_CONVERSION_ROW(copy_32_row, uint32_t, uint32_t, x)
MW_CONVERSION_ROW(copy_64_row, uint64_t, uint64_t, x)
MW_CONVERSION_ROW(narrow_16_to_8_row, uint8_t, uint16_t, x)
MW_CONVERSION_ROW(narrow_32_to_8_row, uint8_t, uint32_t, x)
MW_CONVERSION_ROW(narrow_64_to_8_row, uint8_t, uint64_t, x)
MW_CONVERSION_ROW(narrow_32_to_16_row, uint16_t, uint32_t, x)
MW_CONVERSION_ROW(narrow_64_to_16_row, uint16_t, uint64_t, x)
MW_CONVERSION_ROW(narrow_64_to_32_row, uint32_t, uint64_t, x)
MW_CONVERSION_ROW(i8_to_16_row, int16_t, int8_t, x)
MW_CONVERSION_ROW(i8_to_32_row, int32_t, int8_t, x)
MW_CONVERSION_ROW(i8_to_64_row, int64_t, int8_t, x)
MW_CONVERSION_ROW(i16_to_32_row, int32_t, int16_t, x)
MW_CONVERSION_ROW(i16_to_64_row, int64_t, int16_t, x)
MW_CONVERSION_ROW(i32_to_64_row, int64_t, int32_t, x)
MW_CONVERSION_ROW(u8_to_16_row, uint16_t, uint8_t, x)
MW_CONVERSION_ROW(u8_to_32_row, uint32_t, uint8_t, x)
MW_CONVERSION_ROW(u8_to_64_row, uint64_t, uint8_t, x)
MW_CONVERSION_ROW(u16_to_32_row, uint32_t, uint16_t, x)
MW_CONVERSION_ROW(u16_to_64_row, uint64_t, uint16_t, x)
MW_CONVERSION_ROW(u32_to_64_row, uint64_t, uint32_t, x)

MW_CONVERSION_ROW(is_not_0_8_row, uint8_t, uint8_t, x != 0)
MW_CONVERSION_ROW(is_not_0_16_row, uint8_t, uint16_t, x != 0)
MW_CONVERSION_ROW(is_not_0_32_row, uint8_t, uint32_t, x != 0)
MW_CONVERSION_ROW(is_not_0_64_row, uint8_t, uint64_t, x != 0)
MW_CONVERSION_ROW(is_not_0_f32_row, uint8_t, float, x != 0.0f)
MW_CONVERSION_ROW(is_not_0_f64_row, uint8_t, double, x != 0.0)

// Between floats and integers. `above` is the first power of two that the integer type does not hold; C leaves the
// conversion of what does not fit undefined.
#define MW_FLOAT_INTEGER_ROWS(integer, INTEGER, minimum, above, maximum)                                              \
    MW_CONVERSION_ROW(                                                                                                 \
        f32_to_##integer##_row, INTEGER, float,                                                                        \
        x != x ? 0 : x <= (float)(minimum) ? minimum : x >= (float)(above) ? maximum : (INTEGER)x)                     \
    MW_CONVERSION_ROW(                                                                                                 \
        f64_to_##integer##_row, INTEGER, double,                                                                       \
        x != x ? 0 : x <= (double)(minimum) ? minimum : x >= (double)(above) ? maximum : (INTEGER)x)                   \
    MW_CONVERSION_ROW(integer##_to_f32_row, float, INTEGER, x)                                                         \
    MW_CONVERSION_ROW(integer##_to_f64_row, double, INTEGER, x)

MW_FLOAT_INTEGER_ROWS(i8, int8_t, INT8_MIN, 0x1p7, INT8_MAX)
MW_FLOAT_INTEGER_ROWS(i16, int16_t, INT16_MIN, 0x1p15, INT16_MAX)
MW_FLOAT_INTEGER_ROWS(i32, int32_t, INT32_MIN, 0x1p31, INT32_MAX)
MW_FLOAT_INTEGER_ROWS(i64, int64_t, INT64_MIN, 0x1p63, INT64_MAX)
MW_FLOAT_INTEGER_ROWS(u8, uint8_t, 0, 0x1p8, UINT8_MAX)
MW_FLOAT_INTEGER_ROWS(u16, uint16_t, 0, 0x1p16, UINT16_MAX)
MW_FLOAT_INTEGER_ROWS(u32, uint32_t, 0, 0x1p32, UINT32_MAX)
MW_FLOAT_INTEGER_ROWS(u64, uint64_t, 0, 0x1p64, UINT64_MAX)

/// Brings a 16-bit float into f32, exactly; NULL for every other type, which rows read as it is.
static element_row widening_row(mw_dtype dtype) {
    return dtype == MW_DTYPE_BF16 ? bf16_to_f32_row : dtype == MW_DTYPE_F16 ? f16_to_f32_row : NULL;
}

/// Rounds f32 to a 16-bit float; NULL for every other type.
static element_row narrowing_row(mw_dtype dtype) {
    return dtype == MW_DTYPE_BF16 ? f32_to_bf16_row : dtype == MW_DTYPE_F16 ? f32_to_f16_row : NULL;
}
