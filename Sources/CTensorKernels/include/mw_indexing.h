// Moving elements without arithmetic, and rows by index. These have one portable form: they run at memory speed.
#ifndef MESHWORK_INDEXING_H
#define MESHWORK_INDEXING_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Copies a strided tensor into another of the same shape; both sides have free strides, and do not overlap.
/// Packs a transpose or a slice, and writes into a slice (concatenation, padding). `element_size` is 1, 2, 4 or 8 bytes.
void mw_copy(
    ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const ptrdiff_t *out_strides,
    const void *a, const ptrdiff_t *a_strides);

/// Sets `count` elements of four bytes to `pattern`.
void mw_fill_32(ptrdiff_t count, uint32_t *out, uint32_t pattern);

/// The position of the first index outside 0..<bound, or -1 if all are inside.
ptrdiff_t mw_first_index_out_of_range(const int32_t *indices, ptrdiff_t count, ptrdiff_t bound);

/// out[i, :] = table[indices[i], :]: rows of `row_size` contiguous bytes, `table_row_stride` bytes apart in the
/// table, contiguous in `out`. The indices have been checked.
void mw_gather_rows(
    ptrdiff_t count, ptrdiff_t row_size, void *out, const void *table, ptrdiff_t table_row_stride,
    const int32_t *indices);

/// table[indices[i], :] += rows[i, :] in the order of i, so that repeated indices always add up in one order.
/// Rows of `columns` contiguous elements in both. The indices have been checked.
void mw_scatter_add_rows_f32(
    ptrdiff_t count, ptrdiff_t columns, float *table, const float *rows, const int32_t *indices);

#pragma clang assume_nonnull end

#endif
