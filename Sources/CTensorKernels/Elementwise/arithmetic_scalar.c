// Elementwise kernels of two and three operands, and conversions: the portable path.
#pragma STDC FP_CONTRACT OFF

#define MW_PATH scalar
#include "../Dispatch/kernel_body.h"
#include "binary_math.h"
#include "binary_math_f64.h"

#if MW_HAS_X86_PATHS
#include <immintrin.h>
#endif

#include "staging.h"
#include "conversion_rows.h"
#include "conversion_kernels.h"
#include "binary_rows.h"
#include "binary_kernels.h"
#include "select_kernels.h"
