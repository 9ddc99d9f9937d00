// Stable sorting by the digits of a key, the least significant first (Knuth, The Art of Computer Programming 3, 5.2.5),
// and selection by the most significant ones. The histograms of all digits are counted in one pass, and a digit in
// which no two keys differ is passed over.
#ifndef MESHWORK_RADIX_H
#define MESHWORK_RADIX_H

#include "sort_keys.h"

#include <string.h>

/// A key with the place that it came from: one word where the key is narrow, so that each moves in one store.
typedef uint64_t narrow_entry;
typedef struct wide_entry {
    uint64_t key;
    int64_t place;
} wide_entry;

#define NARROW_ENTRY(key, place) ((uint64_t)(key) << 32 | (uint64_t)(place))
#define MW_DIGIT_PASSES 8
#define MW_LARGEST_DIGIT 2048

/// Sorts `entries` by the bits `low..<high` of KEY(entry), with as much room in `other`, and returns which of the two
/// holds the result.
#define MW_RADIX_SORT(name, ENTRY, KEY)                                                                               \
    static inline ENTRY *name(ENTRY *entries, ENTRY *other, ptrdiff_t count, int low, int high) {                      \
        if (count <= 48) {                                                                                             \
            /* Each entry goes where as many are less than it, or equal and before it: no branch depends on a key. */  \
            uint32_t places[48] = {0};                                                                                 \
            for (ptrdiff_t i = 1; i < count; i++) {                                                                    \
                uint32_t place = 0;                                                                                    \
                for (ptrdiff_t j = 0; j < i; j++) {                                                                    \
                    const uint32_t is_before = KEY(entries[j]) <= KEY(entries[i]);                                     \
                    place += is_before;                                                                                \
                    places[j] += 1 - is_before;                                                                        \
                }                                                                                                      \
                places[i] = place;                                                                                     \
            }                                                                                                          \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                other[places[i]] = entries[i];                                                                         \
            }                                                                                                          \
            return other;                                                                                              \
        }                                                                                                              \
        /* Wide digits save passes; their counters cost too much for few entries. */                                   \
        const int digit_bits = count >= 16384 && high - low > 16 ? 11 : 8;                                             \
        const ptrdiff_t digits = (ptrdiff_t)1 << digit_bits;                                                           \
        const int passes = (high - low + digit_bits - 1) / digit_bits;                                                 \
        ptrdiff_t counters[MW_DIGIT_PASSES][MW_LARGEST_DIGIT];                                                         \
        for (int pass = 0; pass < passes; pass++) {                                                                    \
            memset(counters[pass], 0, (size_t)digits * sizeof(ptrdiff_t));                                             \
        }                                                                                                              \
        for (ptrdiff_t i = 0; i < count; i++) {                                                                        \
            uint64_t key = (uint64_t)KEY(entries[i]) >> low;                                                           \
            for (int pass = 0; pass < passes; pass++) {                                                                \
                counters[pass][key & (uint64_t)(digits - 1)]++;                                                        \
                key >>= digit_bits;                                                                                    \
            }                                                                                                          \
        }                                                                                                              \
        for (int pass = 0; pass < passes; pass++) {                                                                    \
            const int shift = low + pass * digit_bits;                                                                 \
            ptrdiff_t *counter = counters[pass];                                                                       \
            if (counter[(uint64_t)KEY(entries[0]) >> shift & (uint64_t)(digits - 1)] == count) {                       \
                continue;                                                                                              \
            }                                                                                                          \
            ptrdiff_t begin = 0;                                                                                       \
            for (ptrdiff_t digit = 0; digit < digits; digit++) {                                                       \
                const ptrdiff_t size = counter[digit];                                                                 \
                counter[digit] = begin;                                                                                \
                begin += size;                                                                                         \
            }                                                                                                          \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                const ENTRY entry = entries[i];                                                                        \
                other[counter[(uint64_t)KEY(entry) >> shift & (uint64_t)(digits - 1)]++] = entry;                      \
            }                                                                                                          \
            ENTRY *const sorted = other;                                                                               \
            other = entries;                                                                                           \
            entries = sorted;                                                                                          \
        }                                                                                                              \
        return entries;                                                                                                \
    }

#define MW_OWN_KEY(entry) (entry)
#define MW_WIDE_KEY(entry) ((entry).key)

MW_RADIX_SORT(radix_sort_u32, uint32_t, MW_OWN_KEY)
MW_RADIX_SORT(radix_sort_u64, uint64_t, MW_OWN_KEY)
MW_RADIX_SORT(radix_sort_wide, wide_entry, MW_WIDE_KEY)

/// The key at `place` of the order of keys of `bits` bits, with room for as many in `other`: of the keys with the
/// digits found so far, those with the next one are kept. Changes nothing but `other`.
#define MW_RADIX_SELECT(name, KEY)                                                                                    \
    static inline KEY name(const KEY *keys, KEY *other, ptrdiff_t count, ptrdiff_t place, int bits) {                  \
        ptrdiff_t counters[MW_LARGEST_DIGIT];                                                                          \
        const int widest = count >= 16384 ? 11 : 8;                                                                    \
        for (int shift = bits; shift > 0;) {                                                                           \
            const int digit_bits = shift < widest ? shift : widest;                                                    \
            shift -= digit_bits;                                                                                       \
            const KEY mask = (KEY)(((KEY)1 << digit_bits) - 1);                                                        \
            memset(counters, 0, sizeof counters[0] << digit_bits);                                                     \
            for (ptrdiff_t i = 0; i < count; i++) {                                                                    \
                counters[keys[i] >> shift & mask]++;                                                                   \
            }                                                                                                          \
            KEY digit = 0;                                                                                             \
            while (place >= counters[digit]) {                                                                         \
                place -= counters[digit++];                                                                            \
            }                                                                                                          \
            const ptrdiff_t left = counters[digit];                                                                    \
            ptrdiff_t kept = 0;                                                                                        \
            /* In place after the first time: what is kept never overtakes what is read. */                            \
            for (ptrdiff_t i = 0; kept < left; i++) {                                                                  \
                const KEY key = keys[i];                                                                               \
                other[kept] = key;                                                                                     \
                kept += (key >> shift & mask) == digit;                                                                \
            }                                                                                                          \
            keys = other;                                                                                              \
            count = left;                                                                                              \
            if (count == 1) {                                                                                          \
                break;                                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
        return keys[place];                                                                                            \
    }

MW_RADIX_SELECT(radix_select_u32, uint32_t)
MW_RADIX_SELECT(radix_select_u64, uint64_t)

#endif
