// From elements to results, for one path: which tree a reduction takes, and what is done with what the tree gives.

/// One call of the kernel, as its pieces see it.
typedef struct reduction_job {
    mw_reduction reduction;
    mw_dtype to;
    double parameter;
    char *out;
    const char *a;
    mw_strided_loop kept;
    mw_strided_loop reduced;
    reduction_source source;
    /// Elements of each result.
    ptrdiff_t count;
    /// Results in each segment of the innermost kept axis, segments of each run of it, segments of a chunk, and of all.
    ptrdiff_t segment, segments_of_run, segments_of_chunk, segments;
} reduction_job;

/// `results[i]` of a float type from the elements at `base + i * stride`.
#define MW_FLOAT_TILE(name, VALUE, SUM, PRODUCT, MAXIMUM, MINIMUM, SUFFIX, SQRT, LOG, POW)                             \
    static void name(const reduction_job *job, VALUE *results, ptrdiff_t count, ptrdiff_t stride, const char *base) {  \
        const mw_strided_loop *reduced = &job->reduced;                                                                \
        const double parameter = job->parameter;                                                                       \
        const double norm = __builtin_fabs(parameter);                                                                 \
        reduction_source source = job->source;                                                                         \
        VALUE shifts[MW_TILE];                                                                                         \
        switch (job->reduction) {                                                                                      \
        case MW_REDUCE_SUM: SUM(results, count, stride, &source, base, reduced, NULL); break;                          \
        case MW_REDUCE_PRODUCT: PRODUCT(results, count, stride, &source, base, reduced, NULL); break;                  \
        case MW_REDUCE_MAXIMUM: MAXIMUM(results, count, stride, &source, base, reduced, NULL); break;                  \
        case MW_REDUCE_MINIMUM: MINIMUM(results, count, stride, &source, base, reduced, NULL); break;                  \
        case MW_REDUCE_MEAN:                                                                                           \
            SUM(results, count, stride, &source, base, reduced, NULL);                                                 \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                results[i] /= (VALUE)job->count;                                                                       \
            }                                                                                                          \
            break;                                                                                                     \
        case MW_REDUCE_VARIANCE:                                                                                       \
        case MW_REDUCE_DEVIATION: {                                                                                    \
            SUM(shifts, count, stride, &source, base, reduced, NULL);                                                  \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                shifts[i] /= (VALUE)job->count;                                                                        \
            }                                                                                                          \
            source = mapped(source, map_deviation_##SUFFIX, 0);                                                        \
            SUM(results, count, stride, &source, base, reduced, shifts);                                               \
            const double freedom = (double)job->count - parameter;                                                     \
            const VALUE divisor = (VALUE)(freedom > 0 ? freedom : 0);                                                  \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                results[i] /= divisor;                                                                                 \
                results[i] = job->reduction == MW_REDUCE_DEVIATION ? SQRT(results[i]) : results[i];                    \
            }                                                                                                          \
            break;                                                                                                     \
        }                                                                                                              \
        case MW_REDUCE_LOG_SUM_EXP:                                                                                    \
            MAXIMUM(shifts, count, stride, &source, base, reduced, NULL);                                              \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                /* An infinity or NaN goes through exp and log as it is. */                                            \
                shifts[i] = shifts[i] - shifts[i] == 0 ? shifts[i] : 0;                                                \
            }                                                                                                          \
            source = mapped(source, map_exp_##SUFFIX, 0);                                                              \
            SUM(results, count, stride, &source, base, reduced, shifts);                                               \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                results[i] = LOG(results[i]) + shifts[i];                                                              \
            }                                                                                                          \
            break;                                                                                                     \
        case MW_REDUCE_NORM:                                                                                           \
            if (norm == __builtin_inf()) {                                                                             \
                source = mapped(source, map_magnitude_##SUFFIX, 0);                                                    \
                (parameter > 0 ? MAXIMUM : MINIMUM)(results, count, stride, &source, base, reduced, NULL);             \
                break;                                                                                                 \
            }                                                                                                          \
            source = mapped(                                                                                           \
                source, norm == 0     ? map_power_##SUFFIX                                                             \
                        : parameter == 1 ? map_magnitude_##SUFFIX                                                      \
                        : parameter == 2 ? map_square_##SUFFIX                                                         \
                                         : map_power_##SUFFIX,                                                         \
                parameter);                                                                                            \
            SUM(results, count, stride, &source, base, reduced, NULL);                                                 \
            for (ptrdiff_t i = 0; i < count && parameter != 0 && parameter != 1; i++) {                                \
                results[i] = parameter == 2 ? SQRT(results[i]) : POW(results[i], (VALUE)(1 / parameter));              \
            }                                                                                                          \
            break;                                                                                                     \
        default: __builtin_unreachable();                                                                              \
        }                                                                                                              \
    }

MW_FLOAT_TILE(
    reduce_tile_f32, float, sum_tile, product_tile, maximum_tile, minimum_tile, f32, __builtin_sqrtf, mw_log, powf)
MW_FLOAT_TILE(
    reduce_tile_f64, double, sum_f64_tile, product_f64_tile, maximum_f64_tile, minimum_f64_tile, f64, __builtin_sqrt,
    log, pow)

#undef MW_FLOAT_TILE

/// As for floats, of integers and of what is counted, as 64 bits.
static void reduce_tile_integers(
    const reduction_job *job, uint64_t *results, ptrdiff_t count, ptrdiff_t stride, const char *base) {
    const mw_strided_loop *reduced = &job->reduced;
    const reduction_source *source = &job->source;
    const bool is_unsigned = job->to == MW_DTYPE_U64;
    switch (job->reduction) {
    case MW_REDUCE_PRODUCT: product_u64_tile(results, count, stride, source, base, reduced, NULL); break;
    case MW_REDUCE_MAXIMUM:
        if (is_unsigned) {
            maximum_u64_tile(results, count, stride, source, base, reduced, NULL);
        } else {
            maximum_i64_tile((int64_t *)results, count, stride, source, base, reduced, NULL);
        }
        break;
    case MW_REDUCE_MINIMUM:
        if (is_unsigned) {
            minimum_u64_tile(results, count, stride, source, base, reduced, NULL);
        } else {
            minimum_i64_tile((int64_t *)results, count, stride, source, base, reduced, NULL);
        }
        break;
    default: sum_u64_tile(results, count, stride, source, base, reduced, NULL); break;
    }
    for (ptrdiff_t i = 0; i < count; i++) {
        if (job->reduction == MW_REDUCE_ANY) {
            results[i] = results[i] != 0;
        } else if (job->reduction == MW_REDUCE_ALL) {
            results[i] = results[i] == (uint64_t)job->count;
        }
    }
}

/// Writes results of the type in which they were computed, `first` results after the beginning of `out`.
static void store_results(mw_dtype to, char *out, ptrdiff_t first, const void *results, ptrdiff_t count) {
    const float *floats = results;
    const uint64_t *integers = results;
    out += first * mw_dtype_size(to);
    switch (to) {
    case MW_DTYPE_F32: memcpy(out, results, (size_t)count * sizeof(float)); break;
    case MW_DTYPE_BF16:
        for (ptrdiff_t i = 0; i < count; i++) {
            ((uint16_t *)out)[i] = mw_bf16_of_f32(floats[i]);
        }
        break;
    case MW_DTYPE_F16:
        for (ptrdiff_t i = 0; i < count; i++) {
            ((uint16_t *)out)[i] = mw_f16_of_f32(floats[i]);
        }
        break;
    case MW_DTYPE_F64:
    case MW_DTYPE_I64:
    case MW_DTYPE_U64: memcpy(out, results, (size_t)count * sizeof(uint64_t)); break;
    case MW_DTYPE_I32:
    case MW_DTYPE_U32:
        for (ptrdiff_t i = 0; i < count; i++) {
            ((uint32_t *)out)[i] = (uint32_t)integers[i];
        }
        break;
    case MW_DTYPE_I16:
    case MW_DTYPE_U16:
        for (ptrdiff_t i = 0; i < count; i++) {
            ((uint16_t *)out)[i] = (uint16_t)integers[i];
        }
        break;
    case MW_DTYPE_I8:
    case MW_DTYPE_U8:
    case MW_DTYPE_BOOL:
        for (ptrdiff_t i = 0; i < count; i++) {
            ((uint8_t *)out)[i] = (uint8_t)integers[i];
        }
        break;
    }
}
