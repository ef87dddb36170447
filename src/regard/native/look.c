// One query a row, over keys and values that lie where they were computed: nothing is gathered, nothing copied.

#include <math.h>

#include "kernels.h"

#define WIDEST 4096 // all heads together

#define DEFINE(KIND, TYPE, LOAD, STORE)                                                                              \
    static inline float dot_##KIND(const float *a, const TYPE *b, int64_t n) {                                       \
        float sum = 0.0f;                                                                                            \
        _Pragma("omp simd reduction(+ : sum)")                                                                       \
        for (int64_t i = 0; i < n; i++) sum += a[i] * LOAD(b[i]);                                                    \
        return sum;                                                                                                  \
    }                                                                                                                \
    static inline void add_##KIND(float *a, const TYPE *b, float share, int64_t n) {                                 \
        _Pragma("omp simd")                                                                                          \
        for (int64_t i = 0; i < n; i++) a[i] += share * LOAD(b[i]);                                                  \
    }                                                                                                                \
    static inline void normalise_##KIND(float *w, int64_t n) {                                                       \
        float largest = -__builtin_inff(), sum = 0.0f;                                                               \
        _Pragma("omp simd reduction(max : largest)")                                                                 \
        for (int64_t j = 0; j < n; j++) largest = w[j] > largest ? w[j] : largest;                                   \
        int32_t sound = 0;                                                                                           \
        _Pragma("omp simd reduction(+ : sound)")                                                                     \
        for (int64_t j = 0; j < n; j++) sound += w[j] <= largest; /* what is not a number is not */                  \
        if (sound != n || largest == -__builtin_inff() || largest == __builtin_inff()) {                             \
            float all = sound == n && largest < 0.0f ? 0.0f : __builtin_nanf(""); /* nothing to attend to: zeros */  \
            for (int64_t j = 0; j < n; j++) w[j] = all;                                                              \
            return;                                                                                                  \
        }                                                                                                            \
        _Pragma("omp simd reduction(+ : sum)")                                                                       \
        for (int64_t j = 0; j < n; j++) {                                                                            \
            w[j] = exponential(w[j] - largest);                                                                      \
            sum += w[j];                                                                                             \
        }                                                                                                            \
        float share = 1.0f / sum;                                                                                    \
        _Pragma("omp simd")                                                                                          \
        for (int64_t j = 0; j < n; j++) w[j] *= share;                                                               \
    }                                                                                                                \
    EVERY_MACHINE static void look_##KIND(const TYPE *query, const TYPE *const *keys, const TYPE *const *values, const int64_t *at,\
                            int64_t next, const uint8_t *seen, int64_t T, int64_t H, int64_t K, int64_t D,           \
                            const int64_t *strides, float scale, TYPE *context, float *weights) {                    \
        float q[WIDEST], c[WIDEST];                                                                                  \
        for (int64_t i = 0; i < H * K; i++) q[i] = scale * LOAD(query[i]);                                           \
        for (int64_t i = 0; i < H * D; i++) c[i] = 0.0f;                                                             \
        for (int64_t j = 0; j < T; j++) { /* all heads of a position lie together */                                 \
            const TYPE *key = keys[j] + at[j * next] * strides[0];                                                   \
            for (int64_t h = 0; h < H; h++)                                                                          \
                weights[h * T + j] = seen && !seen[j] ? -__builtin_inff() : dot_##KIND(q + h * K, key + h * strides[1], K);\
        }                                                                                                            \
        for (int64_t h = 0; h < H; h++) normalise_##KIND(weights + h * T, T);                                        \
        for (int64_t j = 0; j < T; j++) {                                                                            \
            if (seen && !seen[j]) continue;                                                                          \
            const TYPE *value = values[j] + at[j * next] * strides[2];                                               \
            for (int64_t h = 0; h < H; h++) add_##KIND(c + h * D, value + h * strides[3], weights[h * T + j], D);    \
        }                                                                                                            \
        for (int64_t i = 0; i < H * D; i++) context[i] = STORE(c[i]);                                                \
    }                                                                                                                \
    /* Scaled dot-product attention of R rows with one query (H, K) each over T positions. Position j of row r is    \
       row n = at[r * row + j * next] of keys[j] and values[j], whose rows and heads are `strides` apart (key row,   \
       key head, value row, value head); seen (rows of the keys, T) says by n at position 0 what may be attended to, \
       or is NULL. Context (R, H, D); weights (R, H, T). H K and H D are at most WIDEST. */                          \
    KERNEL void regard_look_##KIND(const TYPE *query, const TYPE *const *keys, const TYPE *const *values,            \
                                   const int64_t *at, int64_t row, int64_t next, const uint8_t *seen, int64_t R,     \
                                   int64_t T, int64_t H, int64_t K, int64_t D, const int64_t *strides, float scale,  \
                                   TYPE *context, float *weights, int32_t threads) {                                 \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (R * T * H * K > (1 << 16))")             \
        for (int64_t r = 0; r < R; r++)                                                                              \
            look_##KIND(query + r * H * K, keys, values, at + r * row, next, seen ? seen + at[r * row] * T : seen,   \
                        T, H, K, D, strides, scale, context + r * H * D, weights + r * H * T);                       \
    }

#define SAME(x) (x)
DEFINE(f32, float, SAME, SAME)
DEFINE(bf16, bf16, widen, narrow)
