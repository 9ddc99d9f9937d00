// What is carried along an axis, of one path. Included once by each path's file; see Dispatch/kernel_body.h.

/// Columns that are carried side by side.
#define MW_CARRIED_COLUMNS 256

/// log(e^x + e^y) without overflow.
MW_ALWAYS_INLINE double log_of_exp_sum(double x, double y) {
    const double larger = MW_MAXIMUM(x, y);
    const double difference = x > y ? y - x : x - y;
    // Two equal infinities have no difference.
    return larger - larger == 0 ? larger + log1p(exp(difference)) : larger;
}

#define MW_CARRIED(x, ...) (x)
#define MW_LOG_OF_EXP_SUM(x, y) log_of_exp_sum(x, y)

/// The columns `begin..<end` of `count` rows of `inner` elements.
#define MW_CUMULATE(name, CARRY, ELEMENT, LOAD, STORE, COMBINE, LOOP)                                                 \
    static void name(                                                                                                  \
        void *out_base, const void *a_base, ptrdiff_t count, ptrdiff_t inner, ptrdiff_t begin, ptrdiff_t end) {        \
        ELEMENT *out = (ELEMENT *)out_base + begin;                                                                    \
        const ELEMENT *a = (const ELEMENT *)a_base + begin;                                                            \
        if (inner == 1) {                                                                                              \
            CARRY carry = (CARRY)LOAD(a[0]);                                                                           \
            out[0] = a[0];                                                                                             \
            for (ptrdiff_t i = 1; i < count; i++) {                                                                    \
                carry = (CARRY)COMBINE(carry, (CARRY)LOAD(a[i]));                                                      \
                out[i] = (ELEMENT)STORE(carry);                                                                        \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        CARRY carry[MW_CARRIED_COLUMNS];                                                                               \
        for (ptrdiff_t k = 0; k < end - begin; k++) {                                                                  \
            carry[k] = (CARRY)LOAD(a[k]);                                                                              \
            out[k] = a[k];                                                                                             \
        }                                                                                                              \
        for (ptrdiff_t i = 1; i < count; i++) {                                                                        \
            LOOP for (ptrdiff_t k = 0; k < end - begin; k++) {                                                         \
                carry[k] = (CARRY)COMBINE(carry[k], (CARRY)LOAD(a[i * inner + k]));                                    \
                out[i * inner + k] = (ELEMENT)STORE(carry[k]);                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }

/// Elements of a row that are looked at together.
#define MW_CARRIED_BLOCK 64

/// An extreme, of which in most blocks of a row that follows itself no element is new: then there is no chain of operations.
#define MW_CUMULATE_EXTREME(name, CARRY, ELEMENT, LOAD, STORE, COMBINE, FALLS_SHORT)                                  \
    MW_CUMULATE(name##_columns, CARRY, ELEMENT, LOAD, STORE, COMBINE, MW_VECTOR_LOOP)                                  \
    static void name(                                                                                                  \
        void *out_base, const void *a_base, ptrdiff_t count, ptrdiff_t inner, ptrdiff_t begin, ptrdiff_t end) {        \
        if (inner != 1) {                                                                                              \
            name##_columns(out_base, a_base, count, inner, begin, end);                                                \
            return;                                                                                                    \
        }                                                                                                              \
        ELEMENT *out = out_base;                                                                                       \
        const ELEMENT *a = a_base;                                                                                     \
        CARRY carry = (CARRY)LOAD(a[0]);                                                                               \
        out[0] = a[0];                                                                                                 \
        for (ptrdiff_t first = 1; first < count; first += MW_CARRIED_BLOCK) {                                          \
            const ptrdiff_t last = count - first < MW_CARRIED_BLOCK ? count : first + MW_CARRIED_BLOCK;                \
            bool is_new = false;                                                                                       \
            for (ptrdiff_t i = first; i < last; i++) {                                                                 \
                is_new |= !((CARRY)LOAD(a[i]) FALLS_SHORT carry);                                                      \
            }                                                                                                          \
            if (!is_new) {                                                                                             \
                for (ptrdiff_t i = first; i < last; i++) {                                                             \
                    out[i] = (ELEMENT)STORE(carry);                                                                    \
                }                                                                                                      \
                continue;                                                                                              \
            }                                                                                                          \
            for (ptrdiff_t i = first; i < last; i++) {                                                                 \
                carry = (CARRY)COMBINE(carry, (CARRY)LOAD(a[i]));                                                      \
                out[i] = (ELEMENT)STORE(carry);                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }

#define MW_CUMULATE_FLOATS(suffix, CARRY, ELEMENT, LOAD, STORE)                                                       \
    MW_CUMULATE(cumulative_sum_##suffix, CARRY, ELEMENT, LOAD, STORE, MW_SUM, MW_VECTOR_LOOP)                          \
    MW_CUMULATE(cumulative_product_##suffix, CARRY, ELEMENT, LOAD, STORE, MW_PRODUCT, MW_VECTOR_LOOP)                  \
    MW_CUMULATE_EXTREME(cumulative_maximum_##suffix, CARRY, ELEMENT, LOAD, STORE, MW_MAXIMUM, <)                       \
    MW_CUMULATE_EXTREME(cumulative_minimum_##suffix, CARRY, ELEMENT, LOAD, STORE, MW_MINIMUM, >)                       \
    MW_CUMULATE(cumulative_log_sum_exp_##suffix, CARRY, ELEMENT, LOAD, STORE, MW_LOG_OF_EXP_SUM, )

MW_CUMULATE_FLOATS(f32, double, float, MW_CARRIED, MW_CARRIED)
MW_CUMULATE_FLOATS(f64, double, double, MW_CARRIED, MW_CARRIED)
MW_CUMULATE_FLOATS(bf16, float, uint16_t, mw_f32_of_bf16, mw_bf16_of_f32)
MW_CUMULATE_FLOATS(f16, float, uint16_t, mw_f32_of_f16, mw_f16_of_f32)

/// Sums and products that wrap around have the same bits with a sign and without.
#define MW_CUMULATE_BITS(suffix, ELEMENT)                                                                             \
    MW_CUMULATE(cumulative_sum_##suffix, uint64_t, ELEMENT, MW_CARRIED, MW_CARRIED, MW_SUM, MW_VECTOR_LOOP)            \
    MW_CUMULATE(cumulative_product_##suffix, uint64_t, ELEMENT, MW_CARRIED, MW_CARRIED, MW_PRODUCT, MW_VECTOR_LOOP)

#define MW_CUMULATE_EXTREMES(suffix, ELEMENT)                                                                         \
    MW_CUMULATE_EXTREME(cumulative_maximum_##suffix, ELEMENT, ELEMENT, MW_CARRIED, MW_CARRIED, MW_MAXIMUM, <)          \
    MW_CUMULATE_EXTREME(cumulative_minimum_##suffix, ELEMENT, ELEMENT, MW_CARRIED, MW_CARRIED, MW_MINIMUM, >)

MW_CUMULATE_BITS(u8, uint8_t)
MW_CUMULATE_BITS(u16, uint16_t)
MW_CUMULATE_BITS(u32, uint32_t)
MW_CUMULATE_BITS(u64, uint64_t)
MW_CUMULATE_EXTREMES(i8, int8_t)
MW_CUMULATE_EXTREMES(i16, int16_t)
MW_CUMULATE_EXTREMES(i32, int32_t)
MW_CUMULATE_EXTREMES(i64, int64_t)
MW_CUMULATE_EXTREMES(u8, uint8_t)
MW_CUMULATE_EXTREMES(u16, uint16_t)
MW_CUMULATE_EXTREMES(u32, uint32_t)
MW_CUMULATE_EXTREMES(u64, uint64_t)

typedef void (*cumulative_columns)(
    void *out, const void *a, ptrdiff_t count, ptrdiff_t inner, ptrdiff_t begin, ptrdiff_t end);

typedef struct cumulation_job {
    cumulative_columns run;
    char *out;
    const char *a;
    ptrdiff_t count, inner, size;
    /// Segments of columns in a run of rows, in a chunk, and of all.
    ptrdiff_t segments_of_run, segments_of_chunk, segments;
} cumulation_job;

static void cumulate_chunk(void *context, ptrdiff_t chunk) {
    const cumulation_job *job = context;
    const ptrdiff_t first = chunk * job->segments_of_chunk;
    const ptrdiff_t rest = job->segments - first;
    const ptrdiff_t end = first + (rest < job->segments_of_chunk ? rest : job->segments_of_chunk);
    for (ptrdiff_t segment = first; segment < end; segment++) {
        const ptrdiff_t offset = segment / job->segments_of_run * job->count * job->inner * job->size;
        const ptrdiff_t begin = segment % job->segments_of_run * MW_CARRIED_COLUMNS;
        const ptrdiff_t left = job->inner - begin;
        job->run(
            job->out + offset, job->a + offset, job->count, job->inner, begin,
            begin + (left < MW_CARRIED_COLUMNS ? left : MW_CARRIED_COLUMNS));
    }
}

#define MW_ROW_OF_FLOATS(name)                                                                                        \
    [MW_DTYPE_F32] = cumulative_##name##_f32, [MW_DTYPE_F64] = cumulative_##name##_f64,                                \
    [MW_DTYPE_BF16] = cumulative_##name##_bf16, [MW_DTYPE_F16] = cumulative_##name##_f16
#define MW_ROW_OF_INTEGERS(name, i8, i16, i32, i64)                                                                   \
    [MW_DTYPE_I8] = cumulative_##name##_##i8, [MW_DTYPE_I16] = cumulative_##name##_##i16,                              \
    [MW_DTYPE_I32] = cumulative_##name##_##i32, [MW_DTYPE_I64] = cumulative_##name##_##i64,                            \
    [MW_DTYPE_U8] = cumulative_##name##_u8, [MW_DTYPE_U16] = cumulative_##name##_u16,                                  \
    [MW_DTYPE_U32] = cumulative_##name##_u32, [MW_DTYPE_U64] = cumulative_##name##_u64

void MW_KERNEL(cumulate)(
    mw_cumulation cumulation, mw_dtype dtype, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, void *out,
    const void *a) {
    static const cumulative_columns columns[][MW_DTYPE_COUNT] = {
        [MW_CUMULATE_SUM] = {MW_ROW_OF_FLOATS(sum), MW_ROW_OF_INTEGERS(sum, u8, u16, u32, u64)},
        [MW_CUMULATE_PRODUCT] = {MW_ROW_OF_FLOATS(product), MW_ROW_OF_INTEGERS(product, u8, u16, u32, u64)},
        [MW_CUMULATE_MAXIMUM] = {MW_ROW_OF_FLOATS(maximum), MW_ROW_OF_INTEGERS(maximum, i8, i16, i32, i64)},
        [MW_CUMULATE_MINIMUM] = {MW_ROW_OF_FLOATS(minimum), MW_ROW_OF_INTEGERS(minimum, i8, i16, i32, i64)},
        [MW_CUMULATE_LOG_SUM_EXP] = {MW_ROW_OF_FLOATS(log_sum_exp)},
    };
    if (outer == 0 || count == 0 || inner == 0) {
        return;
    }
    cumulation_job job = {
        .run = columns[cumulation][dtype], .out = out, .a = a, .count = count, .inner = inner,
        .size = mw_dtype_size(dtype)};
    job.segments_of_run = (inner + MW_CARRIED_COLUMNS - 1) / MW_CARRIED_COLUMNS;
    job.segments = outer * job.segments_of_run;
    const ptrdiff_t work = count * (inner < MW_CARRIED_COLUMNS ? inner : MW_CARRIED_COLUMNS);
    job.segments_of_chunk = work >= 32768 ? 1 : 32768 / work;
    const ptrdiff_t chunks = (job.segments + job.segments_of_chunk - 1) / job.segments_of_chunk;
    if (chunks == 1) {
        cumulate_chunk(&job, 0);
    } else {
        mw_parallel_for(chunks, 0, cumulate_chunk, &job);
    }
}
