// Dropout whose mask is a function of (seed, position): backward asks again instead of remembering.
//
// Sixteen bits of SplitMix64 (Steele, Lea & Flood 2014) decide on each element, so one 64-bit hash serves four.

#include "kernels.h"

enum { BLOCK = 64, HASHES = BLOCK / 4, GRAIN = 1 << 14 };

static inline uint64_t split_mix(uint64_t x) {
    x *= 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

// keep[j] = 1 where element `first + j` stays.
static inline void draw(uint64_t seed, int64_t first, uint16_t threshold, uint16_t keep[BLOCK]) {
    uint64_t hashes[HASHES];
    for (int i = 0; i < HASHES; i++) hashes[i] = split_mix(seed + (uint64_t)(first / 4 + i));
    memcpy(keep, hashes, sizeof hashes);
    for (int j = 0; j < BLOCK; j++) keep[j] = keep[j] >= threshold;
}

#define DEFINE(KIND, TYPE, LOAD, STORE)                                                                             \
    static void range_##KIND(const TYPE *x, TYPE *y, int64_t from, int64_t to, uint64_t seed,         \
                                           uint16_t threshold, float scale, int rectify) {                          \
        uint16_t keep[BLOCK];                                                                                       \
        float floor = rectify ? 0.0f : -__builtin_inff();                                                           \
        for (int64_t at = from; at < to; at += BLOCK) {                                                             \
            draw(seed, at, threshold, keep);                                                                        \
            int64_t count = to - at < BLOCK ? to - at : BLOCK;                                                      \
            for (int64_t j = 0; j < count; j++) {                                                                   \
                float value = LOAD(x[at + j]);                                                                      \
                value = value < floor ? 0.0f : value * scale; /* not a number stays so */                           \
                y[at + j] = keep[j] ? STORE(value) : 0;                                                             \
            }                                                                                                       \
        }                                                                                                           \
    }                                                                                                               \
    /* y = kept(x or max(x, 0)) * scale, for n elements; x may be y. */                                             \
    KERNEL void regard_dropout_##KIND(const TYPE *x, TYPE *y, int64_t n, uint64_t seed, int32_t threshold, float scale, \
                     int32_t rectify, int32_t threads) {                                                            \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (n > GRAIN)")                            \
        for (int64_t at = 0; at < n; at += GRAIN)                                                                   \
            range_##KIND(x, y, at, at + GRAIN < n ? at + GRAIN : n, seed, (uint16_t)threshold, scale, rectify);     \
    }                                                                                                               \
    static void back_range_##KIND(const TYPE *y, const TYPE *dy, TYPE *dx, int64_t from,              \
                                                int64_t to, float scale) {                                          \
        for (int64_t j = from; j < to; j++) {                                                                       \
            float slope = LOAD(y[j]) == 0.0f ? 0.0f : scale;                                                        \
            dx[j] = STORE(LOAD(dy[j]) * slope);                                                                     \
        }                                                                                                           \
    }                                                                                                               \
    /* The gradient of the rectified form, from its result: dx = dy * scale where y is not zero. */                 \
    KERNEL void regard_dropout_rectified_backward_##KIND(const TYPE *y, const TYPE *dy, TYPE *dx, int64_t n, float scale, \
                                          int32_t threads) {                                                        \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (n > GRAIN)")                            \
        for (int64_t at = 0; at < n; at += GRAIN)                                                                   \
            back_range_##KIND(y, dy, dx, at, at + GRAIN < n ? at + GRAIN : n, scale);                               \
    }

#define SAME(x) (x)
DEFINE(f32, float, SAME, SAME)
DEFINE(bf16, bf16, widen, narrow)
