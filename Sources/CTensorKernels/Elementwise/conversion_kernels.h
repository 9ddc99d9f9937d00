// The kernel between element types, and predicates of floats, of one path. Included once by each path's file, after
// conversion_rows.h; see Dispatch/kernel_body.h.

MW_CONVERSION_ROW(is_nan_f32_row, uint8_t, float, x != x)
MW_CONVERSION_ROW(is_nan_f64_row, uint8_t, double, x != x)
MW_CONVERSION_ROW(is_infinite_f32_row, uint8_t, uint32_t, (x & 0x7fffffffu) == 0x7f800000u)
MW_CONVERSION_ROW(is_infinite_f64_row, uint8_t, uint64_t, (x & 0x7fffffffffffffffu) == 0x7ff0000000000000u)
MW_CONVERSION_ROW(is_finite_f32_row, uint8_t, uint32_t, (x & 0x7fffffffu) < 0x7f800000u)
MW_CONVERSION_ROW(is_finite_f64_row, uint8_t, uint64_t, (x & 0x7fffffffffffffffu) < 0x7ff0000000000000u)

/// One operand through one row, or through two with a block of f32 between them.
typedef struct conversion_task {
    element_row first;
    element_row second;
    char *out;
    const char *a;
    ptrdiff_t out_size;
    ptrdiff_t a_size;
} conversion_task;

static void conversion_task_row(
    void *context, ptrdiff_t count, ptrdiff_t out_offset, const ptrdiff_t *offsets, const ptrdiff_t *strides) {
    const conversion_task *task = context;
    char *out = task->out + out_offset * task->out_size;
    const char *a = task->a + offsets[0] * task->a_size;
    if (task->second == NULL && strides[0] == 1) {
        task->first(count, out, a);
        return;
    }
    staging_buffer gathered;
    staging_buffer between;
    staged_operand operand = {.next = a, .stride = strides[0], .size = task->a_size, .buffer = &gathered};
    for (ptrdiff_t done = 0; done < count; done += MW_STAGING_ELEMENTS) {
        const ptrdiff_t block = count - done < MW_STAGING_ELEMENTS ? count - done : MW_STAGING_ELEMENTS;
        const void *elements = staged_block(&operand, block);
        if (task->second == NULL) {
            task->first(block, out, elements);
        } else {
            task->first(block, &between, elements);
            task->second(block, out, &between);
        }
        out += block * task->out_size;
    }
}

static void run_conversion(conversion_task *task, ptrdiff_t rank, const ptrdiff_t *shape, const ptrdiff_t *a_strides) {
    mw_strided_loop loop;
    if (mw_strided_loop_begin(&loop, rank, shape, 1, (const ptrdiff_t *const[]){a_strides})) {
        mw_strided_run(&loop, MW_SHARE_CHEAP_FROM, conversion_task_row, task);
    }
}

#define MW_TO_FLOATS(integer) [MW_DTYPE_F32] = integer##_to_f32_row, [MW_DTYPE_F64] = integer##_to_f64_row
#define MW_TO_INTEGERS(real)                                                                                          \
    [MW_DTYPE_I8] = real##_to_i8_row, [MW_DTYPE_I16] = real##_to_i16_row, [MW_DTYPE_I32] = real##_to_i32_row,          \
    [MW_DTYPE_I64] = real##_to_i64_row, [MW_DTYPE_U8] = real##_to_u8_row, [MW_DTYPE_U16] = real##_to_u16_row,          \
    [MW_DTYPE_U32] = real##_to_u32_row, [MW_DTYPE_U64] = real##_to_u64_row
#define MW_TO_WIDTHS(row_8, row_16, row_32, row_64)                                                                   \
    [MW_DTYPE_I8] = row_8, [MW_DTYPE_U8] = row_8, [MW_DTYPE_I16] = row_16, [MW_DTYPE_U16] = row_16,                    \
    [MW_DTYPE_I32] = row_32, [MW_DTYPE_U32] = row_32, [MW_DTYPE_I64] = row_64, [MW_DTYPE_U64] = row_64

/// The row from a type that is no 16-bit float to another such type; a type to itself has the copy of its width.
static element_row direct_row(mw_dtype to, mw_dtype from) {
    static const element_row rows[MW_DTYPE_COUNT][MW_DTYPE_COUNT] = {
        [MW_DTYPE_F32] =
            {MW_TO_INTEGERS(f32), [MW_DTYPE_F32] = copy_32_row, [MW_DTYPE_F64] = f32_to_f64_row,
             [MW_DTYPE_BOOL] = is_not_0_f32_row},
        [MW_DTYPE_F64] =
            {MW_TO_INTEGERS(f64), [MW_DTYPE_F64] = copy_64_row, [MW_DTYPE_F32] = f64_to_f32_row,
             [MW_DTYPE_BOOL] = is_not_0_f64_row},
        [MW_DTYPE_I8] =
            {MW_TO_WIDTHS(copy_8_row, i8_to_16_row, i8_to_32_row, i8_to_64_row), MW_TO_FLOATS(i8),
             [MW_DTYPE_BOOL] = is_not_0_8_row},
        [MW_DTYPE_I16] =
            {MW_TO_WIDTHS(narrow_16_to_8_row, copy_16_row, i16_to_32_row, i16_to_64_row), MW_TO_FLOATS(i16),
             [MW_DTYPE_BOOL] = is_not_0_16_row},
        [MW_DTYPE_I32] =
            {MW_TO_WIDTHS(narrow_32_to_8_row, narrow_32_to_16_row, copy_32_row, i32_to_64_row), MW_TO_FLOATS(i32),
             [MW_DTYPE_BOOL] = is_not_0_32_row},
        [MW_DTYPE_I64] =
            {MW_TO_WIDTHS(narrow_64_to_8_row, narrow_64_to_16_row, narrow_64_to_32_row, copy_64_row),
             MW_TO_FLOATS(i64), [MW_DTYPE_BOOL] = is_not_0_64_row},
        [MW_DTYPE_U8] =
            {MW_TO_WIDTHS(copy_8_row, u8_to_16_row, u8_to_32_row, u8_to_64_row), MW_TO_FLOATS(u8),
             [MW_DTYPE_BOOL] = is_not_0_8_row},
        [MW_DTYPE_U16] =
            {MW_TO_WIDTHS(narrow_16_to_8_row, copy_16_row, u16_to_32_row, u16_to_64_row), MW_TO_FLOATS(u16),
             [MW_DTYPE_BOOL] = is_not_0_16_row},
        [MW_DTYPE_U32] =
            {MW_TO_WIDTHS(narrow_32_to_8_row, narrow_32_to_16_row, copy_32_row, u32_to_64_row), MW_TO_FLOATS(u32),
             [MW_DTYPE_BOOL] = is_not_0_32_row},
        [MW_DTYPE_U64] =
            {MW_TO_WIDTHS(narrow_64_to_8_row, narrow_64_to_16_row, narrow_64_to_32_row, copy_64_row),
             MW_TO_FLOATS(u64), [MW_DTYPE_BOOL] = is_not_0_64_row},
        [MW_DTYPE_BOOL] =
            {MW_TO_WIDTHS(copy_8_row, u8_to_16_row, u8_to_32_row, u8_to_64_row), MW_TO_FLOATS(u8),
             [MW_DTYPE_BOOL] = copy_8_row},
    };
    return rows[from][to];
}

/// The row to an f32 that rounds to a 16-bit float as the element itself would: an exact one, or one rounded to odd.
static element_row before_narrowing_row(mw_dtype from) {
    switch (from) {
    case MW_DTYPE_F64: return f64_to_odd_row;
    case MW_DTYPE_I32: return i32_to_odd_row;
    case MW_DTYPE_U32: return u32_to_odd_row;
    case MW_DTYPE_I64: return i64_to_odd_row;
    case MW_DTYPE_U64: return u64_to_odd_row;
    default: return direct_row(MW_DTYPE_F32, from);
    }
}

void MW_KERNEL(convert)(
    mw_dtype to, mw_dtype from, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const void *a,
    const ptrdiff_t *a_strides) {
    conversion_task task = {
        .out = out, .a = a, .out_size = mw_dtype_size(to), .a_size = mw_dtype_size(from)};
    const element_row widen = widening_row(from);
    const element_row narrow = narrowing_row(to);
    if (widen != NULL) {
        task.first = widen;
        task.second = narrow != NULL ? narrow : to == MW_DTYPE_F32 ? NULL : direct_row(to, MW_DTYPE_F32);
    } else if (narrow != NULL) {
        task.first = from == MW_DTYPE_F32 ? narrow : before_narrowing_row(from);
        task.second = from == MW_DTYPE_F32 ? NULL : narrow;
    } else {
        task.first = direct_row(to, from);
    }
    run_conversion(&task, rank, shape, a_strides);
}

void MW_KERNEL(classify)(
    mw_float_class class, mw_dtype dtype, ptrdiff_t rank, const ptrdiff_t *shape, uint8_t *out, const void *a,
    const ptrdiff_t *a_strides) {
    static const element_row rows[][2] = {
        [MW_FLOAT_IS_NAN] = {is_nan_f32_row, is_nan_f64_row},
        [MW_FLOAT_IS_INFINITE] = {is_infinite_f32_row, is_infinite_f64_row},
        [MW_FLOAT_IS_FINITE] = {is_finite_f32_row, is_finite_f64_row},
    };
    const element_row row = rows[class][dtype == MW_DTYPE_F64];
    const element_row widen = widening_row(dtype);
    conversion_task task = {
        .first = widen != NULL ? widen : row, .second = widen != NULL ? row : NULL, .out = (char *)out, .a = a,
        .out_size = 1, .a_size = mw_dtype_size(dtype)};
    run_conversion(&task, rank, shape, a_strides);
}
