// Rows shared over the pool, each chunk with room of its own to work in.
#ifndef MESHWORK_ROW_PIECES_H
#define MESHWORK_ROW_PIECES_H

#include "../include/mw_types.h"

/// Calls `work(context, row, room)` for each row, with `bytes` bytes of room that it may overwrite. Rows are grouped so
/// that a chunk has about 16 Ki elements. Returns false, with some rows left out, where memory lacks.
bool mw_for_each_row(
    ptrdiff_t rows, ptrdiff_t count, size_t bytes, void (*work)(const void *context, ptrdiff_t row, void *room),
    const void *context);

#endif
