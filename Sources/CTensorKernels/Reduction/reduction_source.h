// How a reduction reads its elements, for one path: fetched as the type in which it is computed, then mapped.

/// Results that lie side by side and are computed together.
#define MW_TILE 512
/// Rows that are added to such results at once.
#define MW_GROUP 64

typedef struct reduction_source {
    /// Writes `count` elements, `stride` elements apart, as values of the type that the tree combines.
    void (*fetch)(void *values, const char *elements, ptrdiff_t stride, ptrdiff_t count);
    /// Changes fetched values where the reduction is not of the elements themselves; `shifts` has a value for all of
    /// them (stride 0) or for each (stride 1), or are NULL, with stride 0.
    void (*map)(void *values, ptrdiff_t count, const void *shifts, ptrdiff_t shift_stride, double parameter);
    double parameter;
    /// Bytes of an element.
    ptrdiff_t size;
    /// Whether elements in a row are values as they lie.
    bool is_direct;
} reduction_source;

#define MW_FETCH(name, VALUE, ELEMENT, expression)                                                                    \
    static void name(void *out, const char *elements, ptrdiff_t stride, ptrdiff_t count) {                             \
        VALUE *values = out;                                                                                           \
        const ELEMENT *a = (const ELEMENT *)elements;                                                                  \
        if (stride == 1) {                                                                                             \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                     \
                const ELEMENT x = a[i];                                                                                \
                values[i] = (VALUE)(expression);                                                                       \
            }                                                                                                          \
        } else {                                                                                                       \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                const ELEMENT x = a[i * stride];                                                                       \
                values[i] = (VALUE)(expression);                                                                       \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_FETCH(fetch_f32, float, float, x)
MW_FETCH(fetch_bf16, float, uint16_t, mw_f32_of_bf16(x))
MW_FETCH(fetch_f16, float, uint16_t, mw_f32_of_f16(x))
MW_FETCH(fetch_f64, double, double, x)
MW_FETCH(fetch_i8, int64_t, int8_t, x)
MW_FETCH(fetch_i16, int64_t, int16_t, x)
MW_FETCH(fetch_i32, int64_t, int32_t, x)
MW_FETCH(fetch_i64, int64_t, int64_t, x)
MW_FETCH(fetch_u8, uint64_t, uint8_t, x)
MW_FETCH(fetch_u16, uint64_t, uint16_t, x)
MW_FETCH(fetch_u32, uint64_t, uint32_t, x)
MW_FETCH(fetch_u64, uint64_t, uint64_t, x)
// What is not 0 counts as 1. A float is 0 when no bit but the sign is set, so that no NaN is.
MW_FETCH(fetch_nonzero_8, uint64_t, uint8_t, x != 0)
MW_FETCH(fetch_nonzero_16, uint64_t, uint16_t, x != 0)
MW_FETCH(fetch_nonzero_32, uint64_t, uint32_t, x != 0)
MW_FETCH(fetch_nonzero_64, uint64_t, uint64_t, x != 0)
MW_FETCH(fetch_nonzero_f16, uint64_t, uint16_t, (x & 0x7fff) != 0)
MW_FETCH(fetch_nonzero_f32, uint64_t, uint32_t, (x & 0x7fffffffu) != 0)
MW_FETCH(fetch_nonzero_f64, uint64_t, uint64_t, (x & INT64_MAX) != 0)

#undef MW_FETCH

/// A loop around a function of the C library, which does not vectorise, and gives the same bits on every path.
#define MW_LIBRARY_LOOP

#define MW_MAP(name, VALUE, LOOP, expression)                                                                         \
    static void name(                                                                                                  \
        void *inout, ptrdiff_t count, const void *shifts_base, ptrdiff_t shift_stride, double parameter) {             \
        VALUE *values = inout;                                                                                         \
        const VALUE *shifts = shifts_base;                                                                             \
        const VALUE p = (VALUE)parameter;                                                                              \
        const VALUE shared_shift = shifts != NULL ? shifts[0] : 0;                                                     \
        if (shift_stride == 0) {                                                                                       \
            LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                               \
                const VALUE x = values[i], shift = shared_shift;                                                       \
                (void)shift, (void)p;                                                                                  \
                values[i] = expression;                                                                                \
            }                                                                                                          \
        } else {                                                                                                       \
            LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                               \
                const VALUE x = values[i], shift = shifts[i];                                                          \
                (void)shift, (void)p;                                                                                  \
                values[i] = expression;                                                                                \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_MAP(map_magnitude_f32, float, MW_VECTOR_LOOP, __builtin_fabsf(x))
MW_MAP(map_square_f32, float, MW_VECTOR_LOOP, x *x)
MW_MAP(map_deviation_f32, float, MW_VECTOR_LOOP, (x - shift) * (x - shift))
MW_MAP(map_exp_f32, float, MW_VECTOR_LOOP, mw_exp(x - shift))
MW_MAP(map_power_f32, float, MW_LIBRARY_LOOP, p == 0 ? (float)(x != 0) : powf(__builtin_fabsf(x), p))
MW_MAP(map_magnitude_f64, double, MW_VECTOR_LOOP, __builtin_fabs(x))
MW_MAP(map_square_f64, double, MW_VECTOR_LOOP, x *x)
MW_MAP(map_deviation_f64, double, MW_VECTOR_LOOP, (x - shift) * (x - shift))
MW_MAP(map_exp_f64, double, MW_LIBRARY_LOOP, exp(x - shift))
MW_MAP(map_power_f64, double, MW_LIBRARY_LOOP, p == 0 ? (double)(x != 0) : pow(__builtin_fabs(x), p))

#undef MW_MAP
#undef MW_LIBRARY_LOOP

MW_ALWAYS_INLINE reduction_source source_of(mw_dtype dtype) {
    static void (*const fetches[MW_DTYPE_COUNT])(void *, const char *, ptrdiff_t, ptrdiff_t) = {
        [MW_DTYPE_F32] = fetch_f32, [MW_DTYPE_F64] = fetch_f64, [MW_DTYPE_BF16] = fetch_bf16,
        [MW_DTYPE_F16] = fetch_f16, [MW_DTYPE_I8] = fetch_i8,   [MW_DTYPE_I16] = fetch_i16,
        [MW_DTYPE_I32] = fetch_i32, [MW_DTYPE_I64] = fetch_i64, [MW_DTYPE_U8] = fetch_u8,
        [MW_DTYPE_U16] = fetch_u16, [MW_DTYPE_U32] = fetch_u32, [MW_DTYPE_U64] = fetch_u64,
        [MW_DTYPE_BOOL] = fetch_u8,
    };
    const bool is_direct =
        dtype == MW_DTYPE_F32 || dtype == MW_DTYPE_F64 || dtype == MW_DTYPE_I64 || dtype == MW_DTYPE_U64;
    return (reduction_source){.fetch = fetches[dtype], .size = mw_dtype_size(dtype), .is_direct = is_direct};
}

MW_ALWAYS_INLINE reduction_source nonzero_source_of(mw_dtype dtype) {
    static void (*const fetches[MW_DTYPE_COUNT])(void *, const char *, ptrdiff_t, ptrdiff_t) = {
        [MW_DTYPE_F32] = fetch_nonzero_f32,  [MW_DTYPE_F64] = fetch_nonzero_f64, [MW_DTYPE_BF16] = fetch_nonzero_f16,
        [MW_DTYPE_F16] = fetch_nonzero_f16,  [MW_DTYPE_I8] = fetch_nonzero_8,    [MW_DTYPE_I16] = fetch_nonzero_16,
        [MW_DTYPE_I32] = fetch_nonzero_32,   [MW_DTYPE_I64] = fetch_nonzero_64,  [MW_DTYPE_U8] = fetch_nonzero_8,
        [MW_DTYPE_U16] = fetch_nonzero_16,   [MW_DTYPE_U32] = fetch_nonzero_32,  [MW_DTYPE_U64] = fetch_nonzero_64,
        [MW_DTYPE_BOOL] = fetch_nonzero_8,
    };
    return (reduction_source){.fetch = fetches[dtype], .size = mw_dtype_size(dtype), .is_direct = false};
}

/// The elements of `source`, changed.
MW_ALWAYS_INLINE reduction_source mapped(
    reduction_source source, void (*map)(void *, ptrdiff_t, const void *, ptrdiff_t, double), double parameter) {
    source.map = map;
    source.parameter = parameter;
    source.is_direct = false;
    return source;
}

