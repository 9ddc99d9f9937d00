#include "sort_keys.h"

#define LOAD_FLOAT(name, KEY, BITS, SIGNED, INFINITY_BITS)                                                            \
    static void name(bool descending, bool zeros_are_one, ptrdiff_t count, KEY *keys, const BITS *values) {            \
        const BITS sign = (BITS)1 << (8 * sizeof(BITS) - 1);                                                           \
        const BITS turned = descending ? (BITS)~(BITS)0 : 0;                                                           \
        const BITS merged = zeros_are_one ? sign : 0;                                                                  \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            BITS bits = values[i];                                                                                     \
            const BITS magnitude = bits & (BITS)~sign;                                                                 \
            bits = magnitude == 0 ? (BITS)(bits & ~merged) : bits;                                                     \
            const BITS mask = (BITS)((SIGNED)bits >> (8 * sizeof(BITS) - 1)) | sign;                                   \
            const BITS key = (BITS)(bits ^ mask) ^ turned;                                                             \
            keys[i] = magnitude > INFINITY_BITS ? (BITS)~(BITS)0 : key;                                                \
        }                                                                                                              \
    }

#define STORE_FLOAT(name, KEY, BITS, QUIET_NAN)                                                                       \
    static void name(bool descending, ptrdiff_t count, BITS *values, const KEY *keys) {                                \
        const BITS sign = (BITS)1 << (8 * sizeof(BITS) - 1);                                                           \
        const BITS turned = descending ? (BITS)~(BITS)0 : 0;                                                           \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            const BITS key = (BITS)keys[i] ^ turned;                                                                   \
            const BITS bits = key & sign ? key ^ sign : (BITS)~key;                                                    \
            values[i] = (BITS)keys[i] == (BITS)~(BITS)0 ? QUIET_NAN : bits;                                            \
        }                                                                                                              \
    }

/// Integers, with the sign's bit in `sign` where they have one.
#define KEYS_OF_INTEGERS(load, store, KEY, BITS)                                                                      \
    static void load(BITS turned, ptrdiff_t count, KEY *keys, const BITS *values) {                                    \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            keys[i] = (BITS)(values[i] ^ turned);                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static void store(BITS turned, ptrdiff_t count, BITS *values, const KEY *keys) {                                   \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            values[i] = (BITS)keys[i] ^ turned;                                                                        \
        }                                                                                                              \
    }

LOAD_FLOAT(load_f32, uint32_t, uint32_t, int32_t, 0x7f800000u)
LOAD_FLOAT(load_f64, uint64_t, uint64_t, int64_t, UINT64_C(0x7ff0000000000000))
LOAD_FLOAT(load_bf16, uint32_t, uint16_t, int16_t, 0x7f80)
LOAD_FLOAT(load_f16, uint32_t, uint16_t, int16_t, 0x7c00)
STORE_FLOAT(store_f32, uint32_t, uint32_t, 0x7fc00000u)
STORE_FLOAT(store_f64, uint64_t, uint64_t, UINT64_C(0x7ff8000000000000))
STORE_FLOAT(store_bf16, uint32_t, uint16_t, 0x7fc0)
STORE_FLOAT(store_f16, uint32_t, uint16_t, 0x7e00)
KEYS_OF_INTEGERS(load_8, store_8, uint32_t, uint8_t)
KEYS_OF_INTEGERS(load_16, store_16, uint32_t, uint16_t)
KEYS_OF_INTEGERS(load_32, store_32, uint32_t, uint32_t)
KEYS_OF_INTEGERS(load_64, store_64, uint64_t, uint64_t)

/// The bits to turn in an integer to make its key.
static uint64_t turned_bits(mw_dtype dtype, bool descending) {
    const bool is_signed =
        dtype == MW_DTYPE_I8 || dtype == MW_DTYPE_I16 || dtype == MW_DTYPE_I32 || dtype == MW_DTYPE_I64;
    const uint64_t sign = is_signed ? UINT64_C(1) << (key_bits(dtype) - 1) : 0;
    return descending ? sign ^ largest_key(dtype) : sign;
}

void mw_load_keys(
    mw_dtype dtype, bool descending, bool zeros_are_one, ptrdiff_t count, void *keys, const void *values) {
    const uint64_t turned = turned_bits(dtype, descending);
    switch (dtype) {
    case MW_DTYPE_F32: load_f32(descending, zeros_are_one, count, keys, values); break;
    case MW_DTYPE_F64: load_f64(descending, zeros_are_one, count, keys, values); break;
    case MW_DTYPE_BF16: load_bf16(descending, zeros_are_one, count, keys, values); break;
    case MW_DTYPE_F16: load_f16(descending, zeros_are_one, count, keys, values); break;
    case MW_DTYPE_I8:
    case MW_DTYPE_U8:
    case MW_DTYPE_BOOL: load_8((uint8_t)turned, count, keys, values); break;
    case MW_DTYPE_I16:
    case MW_DTYPE_U16: load_16((uint16_t)turned, count, keys, values); break;
    case MW_DTYPE_I32:
    case MW_DTYPE_U32: load_32((uint32_t)turned, count, keys, values); break;
    case MW_DTYPE_I64:
    case MW_DTYPE_U64: load_64(turned, count, keys, values); break;
    }
}

void mw_store_keys(mw_dtype dtype, bool descending, ptrdiff_t count, void *values, const void *keys) {
    const uint64_t turned = turned_bits(dtype, descending);
    switch (dtype) {
    case MW_DTYPE_F32: store_f32(descending, count, values, keys); break;
    case MW_DTYPE_F64: store_f64(descending, count, values, keys); break;
    case MW_DTYPE_BF16: store_bf16(descending, count, values, keys); break;
    case MW_DTYPE_F16: store_f16(descending, count, values, keys); break;
    case MW_DTYPE_I8:
    case MW_DTYPE_U8:
    case MW_DTYPE_BOOL: store_8((uint8_t)turned, count, values, keys); break;
    case MW_DTYPE_I16:
    case MW_DTYPE_U16: store_16((uint16_t)turned, count, values, keys); break;
    case MW_DTYPE_I32:
    case MW_DTYPE_U32: store_32((uint32_t)turned, count, values, keys); break;
    case MW_DTYPE_I64:
    case MW_DTYPE_U64: store_64(turned, count, values, keys); break;
    }
}
