// Vectors of as many floats as the widest registers hold.
#ifndef REGARD_LANES_H
#define REGARD_LANES_H

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "kernels.h"

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef float unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t bits __attribute__((vector_size(4 * LANES)));
typedef int32_t integers __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));

// Always inlined, so that vectors are never passed between functions by the calling convention.
#define INLINE static inline __attribute__((always_inline))

INLINE lanes lanes_f32(const float *x) { return *(const unaligned *)x; }

INLINE lanes lanes_bf16(const bf16 *x) {
    halves narrow;
    memcpy(&narrow, x, sizeof narrow);
    return (lanes)(__builtin_convertvector(narrow, bits) << 16);
}

// A vector of the first `count` elements, padded with 0.
INLINE lanes some_f32(const float *x, int64_t count) {
    float held[LANES] = {0.0f};
    memcpy(held, x, count * sizeof *x);
    return lanes_f32(held);
}

INLINE lanes some_bf16(const bf16 *x, int64_t count) {
    bf16 held[LANES] = {0};
    memcpy(held, x, count * sizeof *x);
    return lanes_bf16(held);
}

// `widen(narrow(x))` of each element.
INLINE lanes rounded_bf16(lanes x) {
    bits raw = (bits)x, odd = (bits)(x != x);
    bits nearest = (raw + 0x7fffu + ((raw >> 16) & 1u)) & 0xffff0000u;
    return (lanes)((nearest & ~odd) | (0x7fc00000u & odd));
}

INLINE lanes rounded_f32(lanes x) { return x; }

INLINE lanes rectified(lanes x) { return (lanes)((bits)x & ~(bits)(x < 0.0f)); } // NaN stays NaN

// `exponential` of each element.
INLINE lanes exponentials(lanes x) {
    bits tiny = (bits)(x < -87.0f);
    lanes least = (lanes){0} - 87.0f, clamped = (lanes)(((bits)x & ~tiny) | ((bits)least & tiny));
    lanes n = clamped * 1.44269504f + 12582912.0f;
    n -= 12582912.0f;
    lanes r = clamped - n * 0.693145752f - n * 1.42860677e-6f;
    lanes p = r * 1.98756915e-4f + 1.39819995e-3f;
    p = p * r + 8.33345190e-3f;
    p = p * r + 4.16657962e-2f;
    p = p * r + 1.66666657e-1f;
    p = p * r + 5.00000012e-1f;
    p = p * r * r + r + 1.0f;
    bits power = (bits)((__builtin_convertvector(n, integers) + 127) << 23);
    return (lanes)((bits)(p * (lanes)power) & ~tiny);
}

// The sums of four vectors.
INLINE void four_totals(lanes a, lanes b, lanes c, lanes d, float *totals) {
#if defined(__AVX2__)
#if LANES == 16
#define HALF(x) _mm256_add_ps(_mm512_castps512_ps256((__m512)(x)), _mm512_extractf32x8_ps((__m512)(x), 1))
#else
#define HALF(x) ((__m256)(x))
#endif
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(HALF(a), HALF(b)), _mm256_hadd_ps(HALF(c), HALF(d)));
    _mm_storeu_ps(totals, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
#undef HALF
#else
    lanes all[4] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        totals[i] = 0.0f;
        for (int j = 0; j < LANES; j++) totals[i] += all[i][j];
    }
#endif
}

#endif
