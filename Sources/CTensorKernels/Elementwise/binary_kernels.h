// Elementwise kernels of two operands, of one path. Included once by each path's file, after binary_rows.h; see
// Dispatch/kernel_body.h.

/// What a row of two operands is computed with, whatever its operation.
typedef struct pair_task {
    pair_row row;
    /// For 16-bit floats: what brings operands into f32, and a result of that type back. NULL elsewhere.
    element_row widen;
    element_row narrow;
    char *out;
    const char *a;
    const char *b;
    ptrdiff_t out_size;
    ptrdiff_t size;
    bool streams;
} pair_task;

#if MW_HAS_X86_PATHS
/// Copies around the caches; for results that are larger than those, where an ordinary store first reads the line that it
/// is about to overwrite. The destination is aligned to 64 bytes.
static void stream_out(ptrdiff_t bytes, char *out, const char *block) {
    ptrdiff_t done = 0;
    for (; done + 16 <= bytes; done += 16) {
        _mm_stream_si128(
            (__m128i *)(void *)(out + done), _mm_load_si128((const __m128i *)(const void *)(block + done)));
    }
    memcpy(out + done, block + done, (size_t)(bytes - done));
}
#endif

static void staged_pair_row(
    const pair_task *task, ptrdiff_t count, char *out, const char *a, const char *b, const ptrdiff_t *strides) {
    staging_buffer a_buffer;
    staging_buffer b_buffer;
    staging_buffer result;
    staged_operand first = {
        .next = a, .stride = strides[0], .size = task->size, .widen = task->widen, .buffer = &a_buffer};
    staged_operand second = {
        .next = b, .stride = strides[1], .size = task->size, .widen = task->widen, .buffer = &b_buffer};
    for (ptrdiff_t done = 0; done < count; done += MW_STAGING_ELEMENTS) {
        const ptrdiff_t block = count - done < MW_STAGING_ELEMENTS ? count - done : MW_STAGING_ELEMENTS;
        const void *x = staged_block(&first, block);
        const void *y = staged_block(&second, block);
        if (task->narrow != NULL) {
            task->row(block, &result, x, y);
            task->narrow(block, out, &result);
#if MW_HAS_X86_PATHS
        } else if (task->streams) {
            task->row(block, &result, x, y);
            stream_out(block * task->out_size, out, result.bytes);
#endif
        } else {
            task->row(block, out, x, y);
        }
        out += block * task->out_size;
    }
#if MW_HAS_X86_PATHS
    if (task->streams) {
        _mm_sfence();
    }
#endif
}

static void pair_task_row(
    void *context, ptrdiff_t count, ptrdiff_t out_offset, const ptrdiff_t *offsets, const ptrdiff_t *strides) {
    const pair_task *task = context;
    char *out = task->out + out_offset * task->out_size;
    const char *a = task->a + offsets[0] * task->size;
    const char *b = task->b + offsets[1] * task->size;
    if (strides[0] == 1 && strides[1] == 1 && task->widen == NULL && !task->streams) {
        task->row(count, out, a, b);
    } else {
        staged_pair_row(task, count, out, a, b, strides);
    }
}

/// Results of as many bytes are written around the caches, unless they take an operand's place.
#define MW_BYTES_TO_STREAM (24 << 20)

static void run_pairs(
    pair_task *task, ptrdiff_t elements_to_share, ptrdiff_t rank, const ptrdiff_t *shape, const ptrdiff_t *a_strides,
    const ptrdiff_t *b_strides) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(&loop, rank, shape, 2, (const ptrdiff_t *const[]){a_strides, b_strides})) {
        return;
    }
    // Long rows only: a row's first byte is then aligned if all before it are whole cache lines, or it is the only one.
    const ptrdiff_t row_bytes = mw_strided_loop_row(&loop) * task->out_size;
    task->streams = MW_HAS_X86_PATHS && loop.rank == 1 && row_bytes >= MW_BYTES_TO_STREAM && task->narrow == NULL &&
                    task->out != task->a && task->out != task->b && (uintptr_t)task->out % 64 == 0;
    mw_strided_run(&loop, elements_to_share, pair_task_row, task);
}

#define MW_FLOATS(operation) [MW_DTYPE_F32] = operation##_f32, [MW_DTYPE_F64] = operation##_f64
#define MW_INTEGERS(operation)                                                                                        \
    [MW_DTYPE_I8] = operation##_i8, [MW_DTYPE_I16] = operation##_i16, [MW_DTYPE_I32] = operation##_i32,                \
    [MW_DTYPE_I64] = operation##_i64, [MW_DTYPE_U8] = operation##_u8, [MW_DTYPE_U16] = operation##_u16,                \
    [MW_DTYPE_U32] = operation##_u32, [MW_DTYPE_U64] = operation##_u64
#define MW_WIDTHS(operation)                                                                                          \
    [MW_DTYPE_I8] = operation##_8, [MW_DTYPE_U8] = operation##_8, [MW_DTYPE_I16] = operation##_16,                     \
    [MW_DTYPE_U16] = operation##_16, [MW_DTYPE_I32] = operation##_32, [MW_DTYPE_U32] = operation##_32,                 \
    [MW_DTYPE_I64] = operation##_64, [MW_DTYPE_U64] = operation##_64

/// The type whose row computes an operation on elements of `dtype`.
static mw_dtype computing_dtype(mw_dtype dtype) {
    return dtype == MW_DTYPE_BF16 || dtype == MW_DTYPE_F16 ? MW_DTYPE_F32 : dtype;
}

/// How many elements are worth waking a thread for.
static ptrdiff_t elements_to_share(mw_binary_operation operation) {
    switch (operation) {
    case MW_BINARY_POWER:
    case MW_BINARY_ATAN2:
    case MW_BINARY_LOG_ADD_EXP:
    case MW_BINARY_FLOOR_DIVIDE:
    case MW_BINARY_REMAINDER:
    case MW_BINARY_FMOD:
    case MW_BINARY_HYPOT:
        return MW_SHARE_COSTLY_FROM;
    default:
        return MW_SHARE_CHEAP_FROM;
    }
}

void MW_KERNEL(binary)(
    mw_binary_operation operation, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides) {
    static const pair_row rows[][MW_DTYPE_COUNT] = {
        [MW_BINARY_ADD] = {MW_FLOATS(add), MW_WIDTHS(add)},
        [MW_BINARY_SUBTRACT] = {MW_FLOATS(subtract), MW_WIDTHS(subtract)},
        [MW_BINARY_MULTIPLY] = {MW_FLOATS(multiply), MW_WIDTHS(multiply)},
        [MW_BINARY_DIVIDE] = {MW_FLOATS(divide)},
        [MW_BINARY_RELU_GRADIENT] = {MW_FLOATS(relu_gradient)},
        [MW_BINARY_FLOOR_DIVIDE] = {MW_FLOATS(floor_quotient), MW_INTEGERS(floor_quotient)},
        [MW_BINARY_REMAINDER] = {MW_FLOATS(floor_remainder), MW_INTEGERS(floor_remainder)},
        [MW_BINARY_FMOD] = {MW_FLOATS(truncated_remainder), MW_INTEGERS(truncated_remainder)},
        [MW_BINARY_POWER] = {MW_FLOATS(power), MW_WIDTHS(power)},
        [MW_BINARY_MAXIMUM] = {MW_FLOATS(maximum), MW_INTEGERS(maximum), [MW_DTYPE_BOOL] = or_8},
        [MW_BINARY_MINIMUM] = {MW_FLOATS(minimum), MW_INTEGERS(minimum), [MW_DTYPE_BOOL] = and_8},
        [MW_BINARY_ATAN2] = {MW_FLOATS(atan2)},
        [MW_BINARY_HYPOT] = {MW_FLOATS(hypot)},
        [MW_BINARY_COPYSIGN] = {MW_FLOATS(copy_sign)},
        [MW_BINARY_LOG_ADD_EXP] = {MW_FLOATS(log_add_exp)},
        [MW_BINARY_AND] = {MW_WIDTHS(and), [MW_DTYPE_BOOL] = and_8},
        [MW_BINARY_OR] = {MW_WIDTHS(or), [MW_DTYPE_BOOL] = or_8},
        [MW_BINARY_XOR] = {MW_WIDTHS(xor), [MW_DTYPE_BOOL] = xor_8},
        [MW_BINARY_SHIFT_LEFT] = {MW_WIDTHS(shift_left)},
        [MW_BINARY_SHIFT_RIGHT] = {MW_INTEGERS(shift_right)},
    };
    pair_task task = {
        .row = rows[operation][computing_dtype(dtype)], .widen = widening_row(dtype), .narrow = narrowing_row(dtype),
        .out = out, .a = a, .b = b, .out_size = mw_dtype_size(dtype), .size = mw_dtype_size(dtype)};
    run_pairs(&task, elements_to_share(operation), rank, shape, a_strides, b_strides);
}

void MW_KERNEL(compare)(
    mw_comparison comparison, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const void *a,
    const ptrdiff_t *a_strides, const void *b, const ptrdiff_t *b_strides) {
    static const pair_row rows[][MW_DTYPE_COUNT] = {
        [MW_COMPARISON_EQUAL] = {MW_FLOATS(equal), MW_WIDTHS(equal), [MW_DTYPE_BOOL] = equal_8},
        [MW_COMPARISON_NOT_EQUAL] = {MW_FLOATS(not_equal), MW_WIDTHS(not_equal), [MW_DTYPE_BOOL] = not_equal_8},
        [MW_COMPARISON_LESS] = {MW_FLOATS(less), MW_INTEGERS(less), [MW_DTYPE_BOOL] = less_u8},
        [MW_COMPARISON_LESS_EQUAL] = {MW_FLOATS(less_equal), MW_INTEGERS(less_equal), [MW_DTYPE_BOOL] = less_equal_u8},
    };
    const bool is_swapped = comparison == MW_COMPARISON_GREATER || comparison == MW_COMPARISON_GREATER_EQUAL;
    const mw_comparison row = comparison == MW_COMPARISON_GREATER         ? MW_COMPARISON_LESS
                              : comparison == MW_COMPARISON_GREATER_EQUAL ? MW_COMPARISON_LESS_EQUAL
                                                                          : comparison;
    pair_task task = {
        .row = rows[row][computing_dtype(dtype)], .widen = widening_row(dtype), .out = (char *)out,
        .a = is_swapped ? b : a, .b = is_swapped ? a : b, .out_size = 1, .size = mw_dtype_size(dtype)};
    run_pairs(
        &task, MW_SHARE_CHEAP_FROM, rank, shape, is_swapped ? b_strides : a_strides, is_swapped ? a_strides : b_strides);
}

#define MW_CONTAINS_ROW(name, ELEMENT, expression)                                                                    \
    static bool name(ptrdiff_t count, const void *a_base) {                                                            \
        const ELEMENT *a = a_base;                                                                                     \
        ELEMENT found = 0;                                                                                             \
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                         \
            const ELEMENT x = a[i];                                                                                    \
            found |= (ELEMENT)(expression);                                                                            \
        }                                                                                                              \
        return found != 0;                                                                                             \
    }

MW_CONTAINS_ROW(contains_0_8, uint8_t, x == 0)
MW_CONTAINS_ROW(contains_0_16, uint16_t, x == 0)
MW_CONTAINS_ROW(contains_0_32, uint32_t, x == 0)
MW_CONTAINS_ROW(contains_0_64, uint64_t, x == 0)
MW_CONTAINS_ROW(contains_negative_8, uint8_t, x >> 7)
MW_CONTAINS_ROW(contains_negative_16, uint16_t, x >> 15)
MW_CONTAINS_ROW(contains_negative_32, uint32_t, x >> 31)
MW_CONTAINS_ROW(contains_negative_64, uint64_t, x >> 63)

bool MW_KERNEL(contains)(
    mw_integer_trait trait, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, const void *a,
    const ptrdiff_t *a_strides) {
    typedef bool (*contains_row)(ptrdiff_t count, const void *a);
    static const contains_row rows[][MW_DTYPE_COUNT] = {
        [MW_INTEGER_IS_ZERO] = {MW_WIDTHS(contains_0)},
        [MW_INTEGER_IS_NEGATIVE] =
            {[MW_DTYPE_I8] = contains_negative_8, [MW_DTYPE_I16] = contains_negative_16,
             [MW_DTYPE_I32] = contains_negative_32, [MW_DTYPE_I64] = contains_negative_64},
    };
    const contains_row row = rows[trait][dtype];
    mw_strided_loop loop;
    if (row == NULL || !mw_strided_loop_begin(&loop, rank, shape, 1, (const ptrdiff_t *const[]){a_strides})) {
        return false;
    }
    const ptrdiff_t count = mw_strided_loop_row(&loop);
    staging_buffer buffer;
    do {
        staged_operand operand = {
            .next = (const char *)a + loop.offset[0] * mw_dtype_size(dtype),
            .stride = mw_strided_loop_stride(&loop, 0), .size = mw_dtype_size(dtype), .buffer = &buffer};
        for (ptrdiff_t done = 0; done < count; done += MW_STAGING_ELEMENTS) {
            const ptrdiff_t block = count - done < MW_STAGING_ELEMENTS ? count - done : MW_STAGING_ELEMENTS;
            if (row(block, staged_block(&operand, block))) {
                return true;
            }
        }
    } while (mw_strided_loop_advance(&loop));
    return false;
}
