// Blocks of operands that rows read contiguously. Included once by each path's file; see Dispatch/kernel_body.h.
//
// Row functions know contiguous operands only, one loop for each operation and type. What is strided, repeated (stride 0)
// or of 16 bits is brought into that form a block at a time, in buffers that stay in the first cache, so that code grows
// with operations and types and not with the ways in which operands may lie.

#define MW_STAGING_ELEMENTS 512

/// A block of elements of any type.
typedef struct staging_buffer {
    _Alignas(64) char bytes[MW_STAGING_ELEMENTS * 8];
} staging_buffer;

/// Turns `count` contiguous elements into others: a conversion, or a function of one operand.
typedef void (*element_row)(ptrdiff_t count, void *out, const void *a);

#define MW_GATHER(name, ELEMENT)                                                                                      \
    static void name(ptrdiff_t count, void *out_base, const void *a_base, ptrdiff_t stride) {                          \
        ELEMENT *out = out_base;                                                                                       \
        const ELEMENT *a = a_base;                                                                                     \
        if (stride == 0) {                                                                                             \
            const ELEMENT x = *a;                                                                                      \
            MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                     \
                out[i] = x;                                                                                            \
            }                                                                                                          \
        } else {                                                                                                       \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                out[i] = a[i * stride];                                                                                \
            }                                                                                                          \
        }                                                                                                              \
    }

MW_GATHER(gather_8, uint8_t)
MW_GATHER(gather_16, uint16_t)
MW_GATHER(gather_32, uint32_t)
MW_GATHER(gather_64, uint64_t)

/// Copies `count` elements, `stride` of them apart, next to each other.
static void gather(ptrdiff_t size, ptrdiff_t count, void *out, const void *a, ptrdiff_t stride) {
    switch (size) {
    case 1: gather_8(count, out, a, stride); break;
    case 2: gather_16(count, out, a, stride); break;
    case 4: gather_32(count, out, a, stride); break;
    default: gather_64(count, out, a, stride);
    }
}

/// One operand of a row, from which blocks are taken in order.
typedef struct staged_operand {
    const char *next;
    ptrdiff_t stride;
    ptrdiff_t size;
    /// Brings elements into the type that the row reads, or NULL where they have it.
    element_row widen;
    staging_buffer *buffer;
    bool is_filled;
} staged_operand;

/// The next `count` elements (at most MW_STAGING_ELEMENTS), contiguous and in the row's type. The first block of an
/// operand must be its longest: a repeated element is written once.
static const void *staged_block(staged_operand *operand, ptrdiff_t count) {
    const void *block = operand->next;
    if (operand->stride == 0 && operand->is_filled) {
        return operand->buffer;
    }
    operand->next += count * operand->stride * operand->size;
    if (operand->stride != 1) {
        if (operand->widen == NULL) {
            gather(operand->size, count, operand->buffer, block, operand->stride);
            operand->is_filled = true;
            return operand->buffer;
        }
        staging_buffer narrow;
        gather(operand->size, count, &narrow, block, operand->stride);
        operand->widen(count, operand->buffer, &narrow);
        operand->is_filled = true;
        return operand->buffer;
    }
    if (operand->widen != NULL) {
        operand->widen(count, operand->buffer, block);
        return operand->buffer;
    }
    return block;
}
