// Where the largest or smallest element of an axis is, of one path. Included after reduction_kernels.h.

typedef struct extreme_job {
    bool of_minimum;
    mw_dtype dtype;
    int32_t *out;
    const char *a;
    mw_strided_loop kept;
    reduction_source source;
    ptrdiff_t count, stride;
    ptrdiff_t segment, segments_of_run, segments_of_chunk, segments;
} extreme_job;

/// Two ways to the first extreme. A row is cut into blocks, whose extremes the tree finds; only in a block that beats
/// the ones before it is the place looked for. Columns keep, for each, the best so far and its place. Either way a NaN
/// beats everything but an earlier NaN.
#define MW_EXTREMES(name, VALUE, ROW, BEATS)                                                                          \
    static int32_t name##_of_row(const extreme_job *job, const char *base) {                                           \
        enum { capacity = 4 * MW_BLOCK };                                                                              \
        VALUE fetched[capacity];                                                                                       \
        VALUE best = 0;                                                                                                \
        ptrdiff_t place = 0;                                                                                           \
        for (ptrdiff_t begin = 0; begin < job->count; begin += capacity) {                                             \
            const ptrdiff_t size = job->count - begin < capacity ? job->count - begin : capacity;                      \
            const char *elements = base + begin * job->stride * job->source.size;                                      \
            const VALUE *values = (const VALUE *)elements;                                                             \
            if (!job->source.is_direct || job->stride != 1) {                                                          \
                job->source.fetch(fetched, elements, job->stride, size);                                               \
                values = fetched;                                                                                      \
            }                                                                                                          \
            const VALUE extreme = ROW(values, size);                                                                   \
            if (begin > 0 && !(extreme BEATS best) && extreme == extreme) {                                            \
                continue;                                                                                              \
            }                                                                                                          \
            ptrdiff_t i = 0;                                                                                           \
            for (bool is_here = false; !is_here && i + MW_LANES <= size; i += is_here ? 0 : MW_LANES) {                \
                for (int l = 0; l < MW_LANES; l++) {                                                                   \
                    is_here |= (values[i + l] == extreme) | (values[i + l] != values[i + l]);                          \
                }                                                                                                      \
            }                                                                                                          \
            while (!(values[i] == extreme || values[i] != values[i])) {                                                \
                i++;                                                                                                   \
            }                                                                                                          \
            best = extreme;                                                                                            \
            place = begin + i;                                                                                         \
            if (extreme != extreme) {                                                                                  \
                break;                                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
        return (int32_t)place;                                                                                         \
    }                                                                                                                  \
                                                                                                                       \
    static void name##_of_columns(                                                                                     \
        const extreme_job *job, int32_t *out, ptrdiff_t columns, ptrdiff_t column_stride, const char *base) {          \
        VALUE best[MW_TILE], values[MW_TILE];                                                                          \
        job->source.fetch(best, base, column_stride, columns);                                                         \
        int32_t place[MW_TILE] = {0};                                                                                  \
        for (ptrdiff_t row = 1; row < job->count; row++) {                                                             \
            job->source.fetch(values, base + row * job->stride * job->source.size, column_stride, columns);            \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < columns; i++) {                                                   \
                const bool takes = (values[i] BEATS best[i]) | ((values[i] != values[i]) & (best[i] == best[i]));      \
                place[i] = takes ? (int32_t)row : place[i];                                                            \
                best[i] = takes ? values[i] : best[i];                                                                 \
            }                                                                                                          \
        }                                                                                                              \
        memcpy(out, place, (size_t)columns * sizeof(int32_t));                                                         \
    }                                                                                                                  \
                                                                                                                       \
    static void name(                                                                                                  \
        const extreme_job *job, int32_t *out, ptrdiff_t count, ptrdiff_t kept_stride, const char *base) {              \
        if (count > 1 && ((kept_stride == 1 && job->stride != 1) || job->count < 2 * MW_LANES)) {                      \
            name##_of_columns(job, out, count, kept_stride, base);                                                     \
            return;                                                                                                    \
        }                                                                                                              \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            out[i] = name##_of_row(job, base + i * kept_stride * job->source.size);                                    \
        }                                                                                                              \
    }

MW_EXTREMES(first_maximum_f32, float, maximum_row, >)
MW_EXTREMES(first_minimum_f32, float, minimum_row, <)
MW_EXTREMES(first_maximum_f64, double, maximum_f64_row, >)
MW_EXTREMES(first_minimum_f64, double, minimum_f64_row, <)
MW_EXTREMES(first_maximum_i64, int64_t, maximum_i64_row, >)
MW_EXTREMES(first_minimum_i64, int64_t, minimum_i64_row, <)
MW_EXTREMES(first_maximum_u64, uint64_t, maximum_u64_row, >)
MW_EXTREMES(first_minimum_u64, uint64_t, minimum_u64_row, <)

#undef MW_EXTREMES

static void find_extremes(void *context, ptrdiff_t chunk) {
    const extreme_job *job = context;
    void (*find)(const extreme_job *, int32_t *, ptrdiff_t, ptrdiff_t, const char *);
    switch (job->dtype) {
    case MW_DTYPE_F32:
    case MW_DTYPE_BF16:
    case MW_DTYPE_F16: find = job->of_minimum ? first_minimum_f32 : first_maximum_f32; break;
    case MW_DTYPE_F64: find = job->of_minimum ? first_minimum_f64 : first_maximum_f64; break;
    case MW_DTYPE_U64: find = job->of_minimum ? first_minimum_u64 : first_maximum_u64; break;
    default: find = job->of_minimum ? first_minimum_i64 : first_maximum_i64; break;
    }
    const ptrdiff_t run = mw_strided_loop_row(&job->kept);
    const ptrdiff_t stride = mw_strided_loop_stride(&job->kept, 0);
    const ptrdiff_t first = chunk * job->segments_of_chunk;
    const ptrdiff_t rest = job->segments - first;
    const ptrdiff_t end = first + (rest < job->segments_of_chunk ? rest : job->segments_of_chunk);
    for (ptrdiff_t segment = first; segment < end; segment++) {
        const ptrdiff_t row = segment / job->segments_of_run;
        const ptrdiff_t begin = segment % job->segments_of_run * job->segment;
        const ptrdiff_t limit = run - begin < job->segment ? run : begin + job->segment;
        const char *base = job->a + row_offset(&job->kept, row) * job->source.size;
        for (ptrdiff_t i = begin; i < limit; i += MW_TILE) {
            const ptrdiff_t count = limit - i < MW_TILE ? limit - i : MW_TILE;
            find(job, job->out + row * run + i, count, stride, base + i * stride * job->source.size);
        }
    }
}

void MW_KERNEL(argument_of_extreme)(
    bool of_minimum, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, int32_t *out, const void *a,
    const ptrdiff_t *strides, ptrdiff_t axis) {
    extreme_job job = {.of_minimum = of_minimum, .dtype = dtype, .out = out, .a = a, .source = source_of(dtype)};
    mw_strided_loop reduced;
    bool is_empty;
    if (!split_axes(rank, shape, strides, UINT32_C(1) << axis, &job.kept, &reduced, &is_empty) || is_empty) {
        return;
    }
    job.count = reduced.shape[0];
    job.stride = reduced.strides[0][0];
    const ptrdiff_t chunks = plan_chunks(
        &job.kept, job.count, &job.segment, &job.segments_of_run, &job.segments_of_chunk, &job.segments);
    if (chunks == 1) {
        find_extremes(&job, 0);
    } else {
        mw_parallel_for(chunks, 0, find_extremes, &job);
    }
}
