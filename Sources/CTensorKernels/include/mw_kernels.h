// The dispatch table: one struct of function pointers for each instruction set, nested by family.
//
// Ordinary callers write `mw_active_kernels()->elementwise.binary(...)`; tests compare paths with `mw_kernels_for(isa)`.
#ifndef MESHWORK_KERNELS_H
#define MESHWORK_KERNELS_H

#include "mw_attention.h"
#include "mw_convolution.h"
#include "mw_elementwise.h"
#include "mw_matrix.h"
#include "mw_optimizer.h"
#include "mw_pooling.h"
#include "mw_random.h"
#include "mw_reduction.h"
#include "mw_rows.h"
#include "mw_scan.h"
#include "mw_types.h"

#pragma clang assume_nonnull begin

/// The kernels of one instruction set, a table for each family.
typedef struct mw_kernels {
    mw_isa isa;
    /// "scalar", "avx2", "avx512", "avx512vnni" or "avx512bf16".
    const char *name;
    mw_elementwise_kernels elementwise;
    mw_reduction_kernels reduction;
    mw_row_kernels rows;
    mw_matrix_kernels matrix;
    mw_random_kernels random;
    mw_optimizer_kernels optimizer;
    mw_scan_kernels scan;
    mw_convolution_kernels convolution;
    mw_pooling_kernels pooling;
    mw_attention_kernels attention;
} mw_kernels;

/// The table in use in this process: the widest path that the machine has, or the one that the environment variable
/// MESHWORK_ISA forces by its name. A name that is unknown, or that this machine lacks, is ignored.
/// Chosen once, at the first call.
const mw_kernels *mw_active_kernels(void);

/// The table of one path, or NULL where this machine or this build lacks it.
const mw_kernels *_Nullable mw_kernels_for(mw_isa isa);

/// Writes the paths that this machine has into `paths`, narrowest first, and returns how many there are (1 or more).
ptrdiff_t mw_available_paths(mw_isa paths[_Nonnull MW_ISA_COUNT]);

#pragma clang assume_nonnull end

#endif
