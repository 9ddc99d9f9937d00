#pragma STDC FP_CONTRACT OFF

#include "kernel_path.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MW_TABLE_FIELD(family, kernel, path) .kernel = MW_KERNEL_NAME(kernel, path),
#define MW_TABLE_FAMILY(family, list, path) .family = {list(MW_TABLE_FIELD, path)},

static const mw_kernels scalar_kernels = {
    .isa = MW_ISA_SCALAR, .name = "scalar", MW_FOR_EACH_FAMILY(MW_TABLE_FAMILY, scalar)};

#if MW_HAS_X86_PATHS
static const mw_kernels avx2_kernels = {
    .isa = MW_ISA_AVX2, .name = "avx2", MW_FOR_EACH_FAMILY(MW_TABLE_FAMILY, avx2)};

static const mw_kernels avx512_kernels = {
    .isa = MW_ISA_AVX512, .name = "avx512", MW_FOR_EACH_FAMILY(MW_TABLE_FAMILY, avx512)};

// AVX-512's table with another kernel or two, made once.
static mw_kernels avx512vnni_kernels, avx512bf16_kernels;
static pthread_once_t made_once = PTHREAD_ONCE_INIT;

static void make_kernels(void) {
    avx512vnni_kernels = avx512_kernels;
    avx512vnni_kernels.isa = MW_ISA_AVX512_VNNI;
    avx512vnni_kernels.name = "avx512vnni";
    avx512vnni_kernels.matrix.gemm_u8i8 = mw_gemm_u8i8_avx512vnni;
    avx512bf16_kernels = avx512vnni_kernels;
    avx512bf16_kernels.isa = MW_ISA_AVX512_BF16;
    avx512bf16_kernels.name = "avx512bf16";
    avx512bf16_kernels.matrix.gemm_bf16 = mw_gemm_bf16_avx512bf16;
}

/// The table, made by now, where the machine has both AVX-512 and a set of instructions beyond it.
static const mw_kernels *beyond_avx512(const mw_kernels *table, int has_more) {
    pthread_once(&made_once, make_kernels);
    return has_more && mw_kernels_for(MW_ISA_AVX512) != NULL ? table : NULL;
}
#endif

const mw_kernels *mw_kernels_for(mw_isa isa) {
    switch (isa) {
    case MW_ISA_SCALAR:
        return &scalar_kernels;
#if MW_HAS_X86_PATHS
    // The builtins also ask whether the operating system saves the wide registers (XGETBV).
    case MW_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")
                   ? &avx2_kernels
                   : NULL;
    case MW_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                       __builtin_cpu_supports("f16c")
                   ? &avx512_kernels
                   : NULL;
    case MW_ISA_AVX512_VNNI:
        return beyond_avx512(&avx512vnni_kernels, __builtin_cpu_supports("avx512vnni"));
    case MW_ISA_AVX512_BF16:
        // Every processor with BF16 has VNNI.
        return beyond_avx512(
            &avx512bf16_kernels, __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni"));
#endif
    default:
        return NULL;
    }
}

ptrdiff_t mw_available_paths(mw_isa paths[MW_ISA_COUNT]) {
    ptrdiff_t count = 0;
    for (int isa = MW_ISA_SCALAR; isa < MW_ISA_COUNT; isa++) {
        if (mw_kernels_for((mw_isa)isa) != NULL) {
            paths[count++] = (mw_isa)isa;
        }
    }
    return count;
}

static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static const mw_kernels *chosen_kernels;

static void choose_kernels(void) {
    mw_isa paths[MW_ISA_COUNT];
    const ptrdiff_t count = mw_available_paths(paths);
    chosen_kernels = mw_kernels_for(paths[count - 1]);
    const char *forced = getenv("MESHWORK_ISA");
    for (ptrdiff_t i = 0; forced != NULL && i < count; i++) {
        const mw_kernels *candidate = mw_kernels_for(paths[i]);
        if (strcmp(candidate->name, forced) == 0) {
            chosen_kernels = candidate;
        }
    }
}

const mw_kernels *mw_active_kernels(void) {
    pthread_once(&chosen_once, choose_kernels);
    return chosen_kernels;
}
