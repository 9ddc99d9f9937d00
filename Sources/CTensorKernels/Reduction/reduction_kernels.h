// Reductions over axes, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

/// Splits the axes of `a` into those that remain and those that are reduced. Returns false if there are no results;
/// sets `is_empty` if there are results but no elements.
MW_ALWAYS_INLINE bool split_axes(
    ptrdiff_t rank, const ptrdiff_t *shape, const ptrdiff_t *strides, uint32_t axes, mw_strided_loop *kept,
    mw_strided_loop *reduced, bool *is_empty) {
    ptrdiff_t kept_shape[MW_MAXIMUM_RANK], kept_strides[MW_MAXIMUM_RANK], kept_rank = 0;
    ptrdiff_t reduced_shape[MW_MAXIMUM_RANK], reduced_strides[MW_MAXIMUM_RANK], reduced_rank = 0;
    for (ptrdiff_t axis = 0; axis < rank; axis++) {
        if (axes >> axis & 1) {
            reduced_shape[reduced_rank] = shape[axis];
            reduced_strides[reduced_rank++] = strides[axis];
        } else {
            kept_shape[kept_rank] = shape[axis];
            kept_strides[kept_rank++] = strides[axis];
        }
    }
    *is_empty = !mw_strided_loop_begin(
        reduced, reduced_rank, reduced_shape, 1, (const ptrdiff_t *const[]){reduced_strides});
    return mw_strided_loop_begin(kept, kept_rank, kept_shape, 1, (const ptrdiff_t *const[]){kept_strides});
}

MW_ALWAYS_INLINE ptrdiff_t element_count(const mw_strided_loop *loop) {
    ptrdiff_t count = 1;
    for (int axis = 0; axis < loop->rank; axis++) {
        count *= loop->shape[axis];
    }
    return count;
}

/// Where the row with this number, in row-major order, begins.
MW_ALWAYS_INLINE ptrdiff_t row_offset(const mw_strided_loop *loop, ptrdiff_t row) {
    ptrdiff_t offset = 0;
    for (int axis = loop->rank - 2; axis >= 0; axis--) {
        offset += row % loop->shape[axis] * loop->strides[0][axis];
        row /= loop->shape[axis];
    }
    return offset;
}

/// Cuts the results into segments and chunks of about 64 Ki elements, whatever the number of threads.
MW_ALWAYS_INLINE ptrdiff_t plan_chunks(
    const mw_strided_loop *kept, ptrdiff_t count, ptrdiff_t *segment, ptrdiff_t *segments_of_run,
    ptrdiff_t *segments_of_chunk, ptrdiff_t *segments) {
    const ptrdiff_t run = mw_strided_loop_row(kept);
    ptrdiff_t size = (32768 / count + MW_TILE - 1) / MW_TILE * MW_TILE;
    size = size < MW_TILE ? MW_TILE : size;
    *segment = run < size ? run : size;
    *segments_of_run = (run + *segment - 1) / *segment;
    *segments = element_count(kept) / run * *segments_of_run;
    // The product may overflow only where it is larger than any tensor.
    ptrdiff_t work;
    if (__builtin_mul_overflow(*segment, count, &work)) {
        work = PTRDIFF_MAX;
    }
    *segments_of_chunk = work >= 65536 ? 1 : 65536 / work;
    return (*segments + *segments_of_chunk - 1) / *segments_of_chunk;
}

static void reduce_chunk(void *context, ptrdiff_t chunk) {
    const reduction_job *job = context;
    const ptrdiff_t run = mw_strided_loop_row(&job->kept);
    const ptrdiff_t stride = mw_strided_loop_stride(&job->kept, 0);
    const ptrdiff_t first = chunk * job->segments_of_chunk;
    const ptrdiff_t rest = job->segments - first;
    const ptrdiff_t end = first + (rest < job->segments_of_chunk ? rest : job->segments_of_chunk);
    union {
        float f32[MW_TILE];
        double f64[MW_TILE];
        uint64_t integers[MW_TILE];
    } results;
    for (ptrdiff_t segment = first; segment < end; segment++) {
        const ptrdiff_t row = segment / job->segments_of_run;
        const ptrdiff_t begin = segment % job->segments_of_run * job->segment;
        const ptrdiff_t limit = run - begin < job->segment ? run : begin + job->segment;
        const char *base = job->a + row_offset(&job->kept, row) * job->source.size;
        for (ptrdiff_t i = begin; i < limit; i += MW_TILE) {
            const ptrdiff_t count = limit - i < MW_TILE ? limit - i : MW_TILE;
            const char *tile = base + i * stride * job->source.size;
            switch (job->to) {
            case MW_DTYPE_F32:
            case MW_DTYPE_BF16:
            case MW_DTYPE_F16: reduce_tile_f32(job, results.f32, count, stride, tile); break;
            case MW_DTYPE_F64: reduce_tile_f64(job, results.f64, count, stride, tile); break;
            default: reduce_tile_integers(job, results.integers, count, stride, tile); break;
            }
            store_results(job->to, job->out, row * run + i, &results, count);
        }
    }
}

/// What there is to say of no elements.
static void store_nothing(mw_reduction reduction, mw_dtype to, char *out, ptrdiff_t results) {
    double value = 0;
    switch (reduction) {
    case MW_REDUCE_PRODUCT:
    case MW_REDUCE_ALL: value = 1; break;
    case MW_REDUCE_MAXIMUM:
    case MW_REDUCE_LOG_SUM_EXP: value = -__builtin_inf(); break;
    case MW_REDUCE_MINIMUM: value = __builtin_inf(); break;
    case MW_REDUCE_MEAN:
    case MW_REDUCE_VARIANCE:
    case MW_REDUCE_DEVIATION: value = __builtin_nan(""); break;
    default: break;
    }
    const float single = (float)value;
    const uint64_t integer = value == 1;
    const bool is_single = to == MW_DTYPE_F32 || to == MW_DTYPE_BF16 || to == MW_DTYPE_F16;
    const void *source = is_single ? (const void *)&single : to == MW_DTYPE_F64 ? (const void *)&value : &integer;
    for (ptrdiff_t i = 0; i < results; i++) {
        store_results(to, out, i, source, 1);
    }
}

void MW_KERNEL(reduce)(
    mw_reduction reduction, mw_dtype to, mw_dtype from, double parameter, ptrdiff_t rank, const ptrdiff_t *shape,
    void *out, const void *a, const ptrdiff_t *strides, uint32_t axes) {
    reduction_job job = {.reduction = reduction, .to = to, .parameter = parameter, .out = out, .a = a};
    bool is_empty;
    if (!split_axes(rank, shape, strides, axes, &job.kept, &job.reduced, &is_empty)) {
        return;
    }
    if (is_empty) {
        store_nothing(reduction, to, out, element_count(&job.kept));
        return;
    }
    const bool counts = reduction == MW_REDUCE_ANY || reduction == MW_REDUCE_ALL || reduction == MW_REDUCE_COUNT;
    job.source = counts ? nonzero_source_of(from) : source_of(from);
    job.count = element_count(&job.reduced);
    const ptrdiff_t chunks = plan_chunks(
        &job.kept, job.count, &job.segment, &job.segments_of_run, &job.segments_of_chunk, &job.segments);
    if (chunks == 1) {
        reduce_chunk(&job, 0);
    } else {
        mw_parallel_for(chunks, 0, reduce_chunk, &job);
    }
}
