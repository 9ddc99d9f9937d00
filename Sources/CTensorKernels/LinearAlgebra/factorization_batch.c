#pragma STDC FP_CONTRACT OFF

#include "factorization_batch.h"

#include "../include/mw_allocator.h"
#include "../include/mw_pool.h"

#include <math.h>

/// Groups of matrices in a batch, at most: each has room for its outcome on the caller's stack.
#define MAXIMUM_GROUPS 256

/// Multiply-adds that are worth waking a thread for.
#define GROUP_WORK 200e3

typedef struct batch_groups {
    const mw_factorization_call *call;
    ptrdiff_t matrices;
    mw_factorization_outcome outcomes[MAXIMUM_GROUPS];
} batch_groups;

static void run_group(void *context, ptrdiff_t group) {
    batch_groups *groups = context;
    const mw_factorization_call *call = groups->call;
    mw_factorization_outcome *outcome = &groups->outcomes[group];
    const ptrdiff_t first = group * groups->matrices;
    const ptrdiff_t end = call->batch - first < groups->matrices ? call->batch : first + groups->matrices;
    const size_t bytes = (size_t)(call->scratch + 1) * sizeof(double);
    double *scratch = mw_storage_allocate(bytes);
    *outcome = (mw_factorization_outcome){MW_FACTORIZATION_DONE, first};
    if (scratch == NULL) {
        outcome->status = MW_FACTORIZATION_NO_MEMORY;
        return;
    }
    for (ptrdiff_t matrix = first; matrix < end && outcome->status == MW_FACTORIZATION_DONE; matrix++) {
        *outcome = (mw_factorization_outcome){call->one(call, matrix, scratch), matrix};
    }
    mw_storage_release(scratch, bytes);
}

mw_factorization_outcome mw_factorization_run(const mw_factorization_call *call) {
    batch_groups groups = {.call = call};
    if (call->batch <= 0) {
        return (mw_factorization_outcome){MW_FACTORIZATION_DONE, 0};
    }
    const double matrices = GROUP_WORK / (call->work + 100);
    const ptrdiff_t least = (call->batch + MAXIMUM_GROUPS - 1) / MAXIMUM_GROUPS;
    groups.matrices = matrices > (double)call->batch ? call->batch : (ptrdiff_t)matrices;
    groups.matrices = groups.matrices < least ? least : groups.matrices;
    const ptrdiff_t count = (call->batch + groups.matrices - 1) / groups.matrices;
    mw_parallel_for(count, 0, run_group, &groups);
    for (ptrdiff_t group = 0; group < count; group++) {
        if (groups.outcomes[group].status != MW_FACTORIZATION_DONE) {
            return groups.outcomes[group];
        }
    }
    return (mw_factorization_outcome){MW_FACTORIZATION_DONE, 0};
}

double mw_largest_magnitude(const double *a, ptrdiff_t count) {
    double largest = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const double magnitude = fabs(a[i]);
        // Written so that a NaN, which is greater than nothing, replaces the maximum and then stays.
        largest = magnitude > largest || magnitude != magnitude ? magnitude : largest;
        if (largest != largest) {
            break;
        }
    }
    return largest;
}

double mw_euclidean_norm(const double *a, ptrdiff_t count) {
    const double sum = mw_dot(a, a, count);
    // Between these bounds no square that matters has over- or underflowed.
    if (sum > 0x1p-900 && sum < 0x1p1000) {
        return sqrt(sum);
    }
    const double largest = mw_largest_magnitude(a, count);
    if (!(largest > 0) || isinf(largest)) {
        return largest;
    }
    const double scale = mw_unit_scale(largest);
    double squares = 0;
    for (ptrdiff_t i = 0; i < count; i++) {
        const double element = a[i] * scale;
        squares += element * element;
    }
    return sqrt(squares) / scale;
}

double mw_unit_scale(double magnitude) {
    if (magnitude == 0) {
        return 1;
    }
    int exponent;
    frexp(magnitude, &exponent);
    // 2^1074 is no f64; a subnormal magnitude is scaled as far as a power of two reaches.
    return ldexp(1, exponent < -1000 ? 1000 : -exponent);
}

double mw_reflector(double *x, ptrdiff_t count, double *beta) {
    const double alpha = x[0];
    const double tail = mw_euclidean_norm(x + 1, count - 1);
    *beta = alpha;
    x[0] = 1;
    if (tail == 0) {
        return 0;
    }
    double norm = hypot(alpha, tail);
    norm = signbit(alpha) ? norm : -norm;
    // Both differences are of numbers with opposite signs: nothing cancels.
    const double pivot = alpha - norm;
    for (ptrdiff_t i = 1; i < count; i++) {
        x[i] /= pivot;
    }
    *beta = norm;
    return (norm - alpha) / norm;
}
