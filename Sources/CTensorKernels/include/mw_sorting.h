// Orders: sorting, selecting and searching along rows.
//
// One order for all of it: numbers ascend, or descend where asked, and NaN is last either way; -0 equals +0, and every
// NaN every other. What is stable keeps equal elements in the order in which they came.
#ifndef MESHWORK_SORTING_H
#define MESHWORK_SORTING_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Sorts each of `rows` rows of `count` contiguous elements of any type into `out`, which may be `values`. Zeros come
/// out ordered by their sign, and NaN as the one quiet NaN. Returns false, with `out` undefined, where memory lacks.
///
/// Radix sort: O(count) for each of the key's digits that differ.
bool mw_sort(mw_dtype dtype, bool descending, ptrdiff_t rows, ptrdiff_t count, void *out, const void *values);

/// The places that a stable sort takes each row's elements from. `count` is at most INT32_MAX. Returns false where
/// memory lacks.
bool mw_argsort(
    mw_dtype dtype, bool descending, ptrdiff_t rows, ptrdiff_t count, int32_t *out, const void *values);

/// The places of the `leading` (at most `count`) elements that a stable sort of each row puts first, in that order:
/// those elements are selected, O(count), and only they are sorted. Returns false where memory lacks.
bool mw_leading_places(
    mw_dtype dtype, bool descending, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t leading, int32_t *out,
    const void *values);

/// out[r, j] = values[r, places[r, j]] for rows of `count` elements of `size` bytes and `taken` places in each.
void mw_take_places(
    ptrdiff_t size, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t taken, void *out, const void *values,
    const int32_t *places);

/// out[r, places[r, j]] = values[r, j], for places that differ within a row; the rest of `out`, whose rows have `count`
/// elements, stays as it is.
void mw_spread_places(
    ptrdiff_t size, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t taken, void *out, const void *values,
    const int32_t *places);

/// The element of each row at place `place` of its ascending order, as `mw_sort` would write it. Returns false where
/// memory lacks.
bool mw_select(mw_dtype dtype, ptrdiff_t rows, ptrdiff_t count, ptrdiff_t place, void *out, const void *values);

/// The value of each row of floats at `quantile` (0...1) of the way from its first to its last element in order,
/// interpolated linearly in f64 and rounded once; NaN if any element is NaN, and between -inf and inf. `count` is at
/// least 1. Returns false where memory lacks.
bool mw_quantile(mw_dtype dtype, double quantile, ptrdiff_t rows, ptrdiff_t count, void *out, const void *values);

/// The different elements among `count` (at most INT32_MAX), in order: `firsts[g]` is the first place of the g-th,
/// `counts[g]` how often it is there, and `inverse[i]` the g of element i. Each has room for `count` entries. Returns
/// how many there are, or -1 where memory lacks.
ptrdiff_t mw_unique(
    mw_dtype dtype, ptrdiff_t count, int32_t *firsts, int64_t *counts, int32_t *inverse, const void *values);

/// For each of `count` values the number of `boundaries` (in ascending order, at most INT32_MAX) that are less than it,
/// or, where `takes_equal`, not greater. Returns false where memory lacks.
bool mw_search_sorted(
    mw_dtype dtype, bool takes_equal, ptrdiff_t boundary_count, const void *boundaries, ptrdiff_t count, int32_t *out,
    const void *values);

/// counts[v] += 1 for each of `count` integers v, all within the bins.
void mw_count_bins(mw_dtype dtype, ptrdiff_t count, int64_t *counts, const void *values);

/// Counts numbers in `bins` bins of equal width from `low` to `high`, each without its upper end but for the last;
/// other numbers, and NaN, are in none. `counts` holds zeros.
void mw_histogram(
    mw_dtype dtype, double low, double high, ptrdiff_t bins, ptrdiff_t count, int64_t *counts, const void *values);

#pragma clang assume_nonnull end

#endif
