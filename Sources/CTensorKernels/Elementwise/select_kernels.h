// The elementwise kernel of three operands, of one path. Included once by each path's file, after staging.h; see
// Dispatch/kernel_body.h.

#define MW_SELECT_ROW(name, ELEMENT)                                                                                  \
    static void name(                                                                                                  \
        ptrdiff_t count, void *out_base, const uint8_t *condition, const void *a_base, const void *b_base) {           \
        ELEMENT *out = out_base;                                                                                       \
        const ELEMENT *a = a_base;                                                                                     \
        const ELEMENT *b = b_base;                                                                                     \
        MW_VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) {                                                         \
            const ELEMENT x = a[i], y = b[i];                                                                          \
            out[i] = condition[i] ? x : y;                                                                             \
        }                                                                                                              \
    }

MW_SELECT_ROW(select_8_row, uint8_t)
MW_SELECT_ROW(select_16_row, uint16_t)
MW_SELECT_ROW(select_32_row, uint32_t)
MW_SELECT_ROW(select_64_row, uint64_t)

typedef struct select_task {
    void (*row)(ptrdiff_t count, void *out, const uint8_t *condition, const void *a, const void *b);
    char *out;
    const char *condition;
    const char *a;
    const char *b;
    ptrdiff_t size;
} select_task;

static void select_task_row(
    void *context, ptrdiff_t count, ptrdiff_t out_offset, const ptrdiff_t *offsets, const ptrdiff_t *strides) {
    const select_task *task = context;
    char *out = task->out + out_offset * task->size;
    staging_buffer buffers[3];
    staged_operand condition = {
        .next = task->condition + offsets[0], .stride = strides[0], .size = 1, .buffer = &buffers[0]};
    staged_operand first = {
        .next = task->a + offsets[1] * task->size, .stride = strides[1], .size = task->size, .buffer = &buffers[1]};
    staged_operand second = {
        .next = task->b + offsets[2] * task->size, .stride = strides[2], .size = task->size, .buffer = &buffers[2]};
    for (ptrdiff_t done = 0; done < count; done += MW_STAGING_ELEMENTS) {
        const ptrdiff_t block = count - done < MW_STAGING_ELEMENTS ? count - done : MW_STAGING_ELEMENTS;
        const void *conditions = staged_block(&condition, block);
        const void *a = staged_block(&first, block);
        const void *b = staged_block(&second, block);
        task->row(block, out, conditions, a, b);
        out += block * task->size;
    }
}

void MW_KERNEL(select)(
    ptrdiff_t element_size, ptrdiff_t rank, const ptrdiff_t *shape, void *out, const uint8_t *condition,
    const ptrdiff_t *condition_strides, const void *a, const ptrdiff_t *a_strides, const void *b,
    const ptrdiff_t *b_strides) {
    mw_strided_loop loop;
    if (!mw_strided_loop_begin(
            &loop, rank, shape, 3, (const ptrdiff_t *const[]){condition_strides, a_strides, b_strides})) {
        return;
    }
    select_task task = {.out = out, .condition = (const char *)condition, .a = a, .b = b, .size = element_size};
    switch (element_size) {
    case 1: task.row = select_8_row; break;
    case 2: task.row = select_16_row; break;
    case 4: task.row = select_32_row; break;
    default: task.row = select_64_row;
    }
    mw_strided_run(&loop, MW_SHARE_CHEAP_FROM, select_task_row, &task);
}
