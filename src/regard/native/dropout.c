// Dropout whose mask is a function of (seed, position): the backward pass recomputes it instead of storing it.
//
// Sixteen bits of a hash decide each element, so a 32-bit hash serves two. The hash is Wellons' lowbias32 with two
// multiplications of 32 bits, which every instruction set has as vectors; 64-bit ones need AVX-512.

#include "kernels.h"

enum { BLOCK = 64, HASHES = BLOCK / 2, GRAIN = 1 << 14 };

// keep[j] has all bits set if element `first + j` is kept, none if it is dropped.
static inline void draw(uint64_t seed, int64_t first, int32_t threshold, int32_t keep[BLOCK]) {
    uint32_t low = (uint32_t)seed + (uint32_t)(first / 2), high = (uint32_t)(seed >> 32), hashes[HASHES];
    for (uint32_t i = 0; i < HASHES; i++) {
        uint32_t x = (low + i) * 0x9e3779b9u;
        x = (x ^ (x >> 16)) * 0x7feb352du;
        x = (x ^ (x >> 15) ^ high) * 0x846ca68bu;
        hashes[i] = x ^ (x >> 16);
    }
    for (int i = 0; i < HASHES; i++) { // the order of the halves does not matter
        keep[i] = -((int32_t)(hashes[i] & 0xffffu) >= threshold);
        keep[HASHES + i] = -((int32_t)(hashes[i] >> 16) >= threshold);
    }
}

static inline float mask_f32(float x, int32_t keep) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= keep;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline bf16 mask_bf16(bf16 x, int32_t keep) { return x & (bf16)keep; }

#define DEFINE(KIND, TYPE, LOAD, STORE)                                                                             \
    static inline void block_##KIND(const TYPE *x, TYPE *y, int64_t count, const int32_t *keep, float scale,        \
                                    float floor) {                                                                  \
        for (int64_t j = 0; j < count; j++) {                                                                       \
            float value = LOAD(x[j]);                                                                               \
            value = (value < floor ? 0.0f : value) * scale; /* NaN stays NaN */                                     \
            y[j] = mask_##KIND(STORE(value), keep[j]);                                                              \
        }                                                                                                           \
    }                                                                                                               \
    static void range_##KIND(const TYPE *x, TYPE *y, int64_t from, int64_t to, uint64_t seed, int32_t threshold,    \
                             float scale, int rectify) {                                                            \
        int32_t keep[BLOCK];                                                                                        \
        float floor = rectify ? 0.0f : -__builtin_inff();                                                           \
        for (int64_t at = from; at < to; at += BLOCK) {                                                             \
            draw(seed, at, threshold, keep);                                                                        \
            if (to - at >= BLOCK) block_##KIND(x + at, y + at, BLOCK, keep, scale, floor);                          \
            else block_##KIND(x + at, y + at, to - at, keep, scale, floor);                                         \
        }                                                                                                           \
    }                                                                                                               \
    /* y = mask * (x or max(x, 0)) * scale, for n elements; x and y may be the same. */                             \
    KERNEL void regard_dropout_##KIND(const TYPE *x, TYPE *y, int64_t n, uint64_t seed, int32_t threshold, float scale, \
                     int32_t rectify, int32_t threads) {                                                            \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (n > GRAIN)")                            \
        for (int64_t at = 0; at < n; at += GRAIN)                                                                   \
            range_##KIND(x, y, at, at + GRAIN < n ? at + GRAIN : n, seed, threshold, scale, rectify);               \
    }                                                                                                               \
    static void back_range_##KIND(const TYPE *y, const TYPE *dy, TYPE *dx, int64_t from, int64_t to, float scale) { \
        for (int64_t j = from; j < to; j++) {                                                                       \
            float slope = LOAD(y[j]) == 0.0f ? 0.0f : scale;                                                        \
            dx[j] = STORE(LOAD(dy[j]) * slope);                                                                     \
        }                                                                                                           \
    }                                                                                                               \
    /* The gradient of ReLU with dropout, from its result: dx = dy * scale where y is not zero, else 0. */          \
    KERNEL void regard_dropout_rectified_backward_##KIND(const TYPE *y, const TYPE *dy, TYPE *dx, int64_t n, float scale, \
                                          int32_t threads) {                                                        \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (n > GRAIN)")                            \
        for (int64_t at = 0; at < n; at += GRAIN)                                                                   \
            back_range_##KIND(y, dy, dx, at, at + GRAIN < n ? at + GRAIN : n, scale);                               \
    }

#define SAME(x) (x)
DEFINE(f32, float, SAME, SAME)
DEFINE(bf16, bf16, widen, narrow)
