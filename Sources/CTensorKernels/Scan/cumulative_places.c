// Where the largest or smallest element so far lies: no arithmetic, and so one body for every path.
#include "../include/mw_pool.h"
#include "../include/mw_scan.h"
#include "../Math/half_precision.h"

/// Columns that are carried side by side, elements of a row that are looked at together, and that are worth a piece of
/// their own.
enum { carried_columns = 256, elements_of_block = 64, elements_of_piece = 1 << 15 };

/// The columns `begin..<end` of `count` rows of `inner` elements. Of equal elements the last, and NaNs are equal to
/// each other.
typedef void (*places_of_columns)(
    int32_t *out, const void *a, ptrdiff_t count, ptrdiff_t inner, ptrdiff_t begin, ptrdiff_t end);

/// A row whose elements follow each other: of most blocks none is the extreme, which takes no chain of comparisons to see.
#define PLACES_OF_ROW(name, ELEMENT, VALUE, LOAD, REACHES)                                                            \
    static void name##_of_row(int32_t *out, const ELEMENT *a, ptrdiff_t count) {                                       \
        VALUE carry = LOAD(a[0]);                                                                                      \
        int32_t place = 0;                                                                                             \
        for (ptrdiff_t begin = 0; begin < count; begin += elements_of_block) {                                         \
            const ptrdiff_t end = count - begin < elements_of_block ? count : begin + elements_of_block;               \
            uint8_t moves = 0;                                                                                         \
            for (ptrdiff_t i = begin; i < end; i++) {                                                                  \
                const VALUE x = LOAD(a[i]);                                                                            \
                moves |= (uint8_t)((x REACHES carry) | (x != x));                                                      \
            }                                                                                                          \
            for (ptrdiff_t i = begin; i < end; i++) {                                                                  \
                out[i] = place;                                                                                        \
            }                                                                                                          \
            for (ptrdiff_t i = begin; moves && i < end; i++) {                                                         \
                const VALUE x = LOAD(a[i]);                                                                            \
                if ((x REACHES carry) | (x != x)) {                                                                    \
                    carry = x;                                                                                         \
                    place = (int32_t)i;                                                                                \
                }                                                                                                      \
                out[i] = place;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }

#define PLACES(name, ELEMENT, VALUE, LOAD, REACHES)                                                                   \
    PLACES_OF_ROW(name, ELEMENT, VALUE, LOAD, REACHES)                                                                 \
    static void name(                                                                                                  \
        int32_t *out, const void *a_base, ptrdiff_t count, ptrdiff_t inner, ptrdiff_t begin, ptrdiff_t end) {          \
        const ELEMENT *a = (const ELEMENT *)a_base + begin;                                                            \
        if (inner == 1) {                                                                                              \
            name##_of_row(out, a, count);                                                                              \
            return;                                                                                                    \
        }                                                                                                              \
        const ptrdiff_t columns = end - begin;                                                                         \
        VALUE carry[carried_columns];                                                                                  \
        int32_t place[carried_columns];                                                                                \
        out += begin;                                                                                                  \
        for (ptrdiff_t k = 0; k < columns; k++) {                                                                      \
            carry[k] = LOAD(a[k]);                                                                                     \
            place[k] = out[k] = 0;                                                                                     \
        }                                                                                                              \
        for (ptrdiff_t i = 1; i < count; i++) {                                                                        \
            for (ptrdiff_t k = 0; k < columns; k++) {                                                                  \
                const VALUE x = LOAD(a[i * inner + k]);                                                                \
                /* Nothing but another NaN reaches a NaN. */                                                           \
                const bool moves = (x REACHES carry[k]) | (x != x);                                                    \
                carry[k] = moves ? x : carry[k];                                                                       \
                place[k] = moves ? (int32_t)i : place[k];                                                              \
                out[i * inner + k] = place[k];                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }

#define SAME(x) (x)

#define PLACES_OF_EXTREMES(suffix, ELEMENT, VALUE, LOAD)                                                              \
    PLACES(maximum_places_##suffix, ELEMENT, VALUE, LOAD, >=)                                                          \
    PLACES(minimum_places_##suffix, ELEMENT, VALUE, LOAD, <=)

PLACES_OF_EXTREMES(f32, float, float, SAME)
PLACES_OF_EXTREMES(f64, double, double, SAME)
PLACES_OF_EXTREMES(bf16, uint16_t, float, mw_f32_of_bf16)
PLACES_OF_EXTREMES(f16, uint16_t, float, mw_f32_of_f16)
PLACES_OF_EXTREMES(i8, int8_t, int8_t, SAME)
PLACES_OF_EXTREMES(i16, int16_t, int16_t, SAME)
PLACES_OF_EXTREMES(i32, int32_t, int32_t, SAME)
PLACES_OF_EXTREMES(i64, int64_t, int64_t, SAME)
PLACES_OF_EXTREMES(u8, uint8_t, uint8_t, SAME)
PLACES_OF_EXTREMES(u16, uint16_t, uint16_t, SAME)
PLACES_OF_EXTREMES(u32, uint32_t, uint32_t, SAME)
PLACES_OF_EXTREMES(u64, uint64_t, uint64_t, SAME)

typedef struct places_job {
    places_of_columns run;
    int32_t *out;
    const char *a;
    ptrdiff_t count, inner, size;
    /// Segments of columns in a run of rows, in a piece, and of all.
    ptrdiff_t segments_of_run, segments_of_piece, segments;
} places_job;

static void run_piece(void *context, ptrdiff_t piece) {
    const places_job *job = context;
    const ptrdiff_t first = piece * job->segments_of_piece;
    const ptrdiff_t rest = job->segments - first;
    const ptrdiff_t end = first + (rest < job->segments_of_piece ? rest : job->segments_of_piece);
    for (ptrdiff_t segment = first; segment < end; segment++) {
        const ptrdiff_t offset = segment / job->segments_of_run * job->count * job->inner;
        const ptrdiff_t begin = segment % job->segments_of_run * carried_columns;
        const ptrdiff_t left = job->inner - begin;
        job->run(
            job->out + offset, job->a + offset * job->size, job->count, job->inner, begin,
            begin + (left < carried_columns ? left : carried_columns));
    }
}

#define ROW(extreme)                                                                                                  \
    {[MW_DTYPE_F32] = extreme##_places_f32, [MW_DTYPE_F64] = extreme##_places_f64,                                     \
     [MW_DTYPE_BF16] = extreme##_places_bf16, [MW_DTYPE_F16] = extreme##_places_f16,                                   \
     [MW_DTYPE_I8] = extreme##_places_i8, [MW_DTYPE_I16] = extreme##_places_i16,                                       \
     [MW_DTYPE_I32] = extreme##_places_i32, [MW_DTYPE_I64] = extreme##_places_i64,                                     \
     [MW_DTYPE_U8] = extreme##_places_u8, [MW_DTYPE_U16] = extreme##_places_u16,                                       \
     [MW_DTYPE_U32] = extreme##_places_u32, [MW_DTYPE_U64] = extreme##_places_u64}

void mw_cumulative_places(
    bool is_minimum, mw_dtype dtype, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, int32_t *out, const void *a) {
    static const places_of_columns columns[][MW_DTYPE_COUNT] = {ROW(maximum), ROW(minimum)};
    if (outer == 0 || count == 0 || inner == 0) {
        return;
    }
    places_job job = {
        .run = columns[is_minimum][dtype], .out = out, .a = a, .count = count, .inner = inner,
        .size = mw_dtype_size(dtype)};
    job.segments_of_run = (inner + carried_columns - 1) / carried_columns;
    job.segments = outer * job.segments_of_run;
    const ptrdiff_t work = count * (inner < carried_columns ? inner : carried_columns);
    job.segments_of_piece = work >= elements_of_piece ? 1 : elements_of_piece / work;
    const ptrdiff_t pieces = (job.segments + job.segments_of_piece - 1) / job.segments_of_piece;
    mw_parallel_for(pieces, pieces == 1 ? 1 : 0, run_piece, &job);
}
