// Moving elements: copies, and elements by index. These have one portable form: they run at memory speed.
#ifndef MESHWORK_INDEXING_H
#define MESHWORK_INDEXING_H

#include "mw_types.h"

#pragma clang assume_nonnull begin

/// Copies a strided tensor into another of the same shape; both sides have free strides, and do not overlap.
/// Packs a transpose or a slice, and writes into a slice (concatenation, padding). `element_size` is 1, 2, 4 or 8 bytes.
void mw_copy(
    ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const ptrdiff_t *out_strides,
    const void *a, const ptrdiff_t *a_strides);

/// Sets `count` contiguous elements of 1, 2, 4 or 8 bytes to the one at `value`.
void mw_fill(ptrdiff_t element_size, ptrdiff_t count, void *out, const void *value);

/// Sets `count` elements of four bytes to `pattern`, on the calling thread.
void mw_fill_32(ptrdiff_t count, uint32_t *out, uint32_t pattern);

/// The position of the first index outside 0..<bound, or -1 if all are inside.
ptrdiff_t mw_first_index_out_of_range(const int32_t *indices, ptrdiff_t count, ptrdiff_t bound);

/// Indices of type I32 or I64 as int64 in 0..<bound; with `from_the_back`, -1 is the last place, and so on. Returns the
/// position of the first that names none, or -1; then `out` is good.
ptrdiff_t mw_normalize_indices(
    mw_dtype dtype, ptrdiff_t count, const void *indices, ptrdiff_t bound, bool from_the_back, int64_t *out);

/// How many bytes of a mask of zeros and ones are one.
ptrdiff_t mw_count_true(ptrdiff_t count, const uint8_t *mask);

/// The positions of the ones, of which there are `true_count`, in order.
void mw_true_positions(ptrdiff_t count, const uint8_t *mask, ptrdiff_t true_count, int64_t *out);

/// out[…, i, …] = a[…, indices[…, i, …], …], where i is the place on `axis`: `shape` is that of the result, which is
/// contiguous, and `a_strides` are those of `a` along the same axes. A stride of 0 of the indices takes a whole row by
/// one index. Elements of 1, 2, 4 or 8 bytes; `rank` is at least 1; the indices have been checked.
void mw_gather(
    ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, ptrdiff_t axis, void *out, const void *a,
    const ptrdiff_t *a_strides, const int64_t *indices, const ptrdiff_t *index_strides);

/// How an element that is scattered meets the one in its place.
typedef enum mw_scatter_mode {
    MW_SCATTER_SET,       ///< the last one stays
    MW_SCATTER_ADD,       ///< integers wrap around
    MW_SCATTER_MULTIPLY,  ///< integers wrap around
    MW_SCATTER_MAXIMUM,   ///< a NaN on either side stays
    MW_SCATTER_MINIMUM,   ///< a NaN on either side stays
} mw_scatter_mode;

/// out[…, indices[…, i, …], …] ∘= source[…, i, …], where i is the place on `axis`, in the row-major order of the source,
/// whose `shape` is given: for every element of the result the order is that one, whatever the number of threads.
/// `rank` is at least 1; the indices have been checked. SET moves elements of any type; the other modes are for f32, f64
/// and integers.
void mw_scatter(
    mw_scatter_mode mode, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, ptrdiff_t axis, void *out,
    const ptrdiff_t *out_strides, const int64_t *indices, const ptrdiff_t *index_strides, const void *source,
    const ptrdiff_t *source_strides);

/// out[…] += source[…] in row-major order, where places of `out` may overlap (sliding windows). f32, f64 and integers.
void mw_accumulate(
    mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const ptrdiff_t *out_strides, const void *source,
    const ptrdiff_t *source_strides);

/// `count` contiguous 16-bit floats (BF16 or F16) as f32.
void mw_widen_16(mw_dtype dtype, ptrdiff_t count, float *out, const uint16_t *a);

/// f32 as 16-bit floats (BF16 or F16), to nearest, ties to even.
void mw_narrow_16(mw_dtype dtype, ptrdiff_t count, uint16_t *out, const float *a);

#pragma clang assume_nonnull end

#endif
