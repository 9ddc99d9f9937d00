// What the bodies of kernels share. A body (`…_kernels.h`) is written once and compiled for each instruction set: the
// path's file (`…_avx2.c`) defines MW_PATH, turns the path's instructions on for every function that follows, and
// includes the body. Bodies therefore have no include guard, and all headers that define functions of their own
// are included before the instructions are turned on.
//
// Bodies are plain loops where those reach memory speed once vectorised. `assume_safety` tells the vectoriser that
// rows do not overlap unless they are the same (in-place use), where its own run-time check would fall back to one
// element at a time.
#ifndef MESHWORK_KERNEL_BODY_H
#define MESHWORK_KERNEL_BODY_H

#include "../Dispatch/kernel_path.h"
#include "../Elementwise/float_math.h"
#include "../Elementwise/strided_loop.h"
#include "../Elementwise/strided_run.h"

/// The name of this path's version of a kernel.
#define MW_KERNEL(kernel) MW_KERNEL_FOR(kernel, MW_PATH)
#define MW_KERNEL_FOR(kernel, path) MW_KERNEL_NAME(kernel, path)

#define MW_VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety)")

#endif
