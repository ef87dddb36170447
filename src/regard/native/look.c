// One query a row, over keys and values that lie where they were computed: nothing is gathered, nothing copied.

#include <math.h>

#include "kernels.h"

#define WIDEST 4096 // all heads together
#define AHEAD 4     // positions between what is read and what is asked for: keys of other sentences are seldom in a cache

// Sums side by side: as many as the widest registers hold; the compiler divides them where there are none as wide.
#define LANES 16
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef float unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));

static inline __attribute__((always_inline)) float total(lanes x) {
    float part[LANES];
    memcpy(part, &x, sizeof part);
    for (int64_t half = LANES / 2; half; half /= 2)
        for (int64_t i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
}

static inline __attribute__((always_inline)) lanes widen_lanes(const bf16 *x) {
    halves narrow;
    memcpy(&narrow, x, sizeof narrow);
    return (lanes)(__builtin_convertvector(narrow, words) << 16);
}

static inline void fetch(const void *from, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)from + i);
}

// From scores to shares of 1, given the largest; `odd` tells that one of them is not a number.
static inline void normalise(float *w, int64_t n, float largest, int32_t odd) {
    if (odd || largest == -__builtin_inff() || largest == __builtin_inff()) {
        float all = !odd && largest < 0.0f ? 0.0f : __builtin_nanf(""); // nothing to attend to: zeros
        for (int64_t j = 0; j < n; j++) w[j] = all;
        return;
    }
    float sum = 0.0f;
    _Pragma("omp simd reduction(+ : sum)")
    for (int64_t j = 0; j < n; j++) {
        w[j] = exponential(w[j] - largest);
        sum += w[j];
    }
    float share = 1.0f / sum;
    _Pragma("omp simd")
    for (int64_t j = 0; j < n; j++) w[j] *= share;
}

#define DEFINE(KIND, TYPE, LOAD, STORE, WIDE)                                                                         \
    static inline float dot_##KIND(const float *a, const TYPE *b, int64_t n) {                                       \
        lanes many = {0};                                                                                            \
        int64_t i = 0;                                                                                               \
        for (; i + LANES <= n; i += LANES) many += *(const unaligned *)(a + i) * WIDE(b + i);                        \
        float sum = total(many);                                                                                     \
        for (; i < n; i++) sum += a[i] * LOAD(b[i]);                                                                 \
        return sum;                                                                                                  \
    }                                                                                                                \
    static inline void add_##KIND(float *a, const TYPE *b, float share, int64_t n) {                                 \
        int64_t i = 0;                                                                                               \
        for (; i + LANES <= n; i += LANES) *(unaligned *)(a + i) += share * WIDE(b + i);                             \
        for (; i < n; i++) a[i] += share * LOAD(b[i]);                                                               \
    }                                                                                                                \
    static void look_##KIND(const TYPE *query, const TYPE *const *keys, const TYPE *const *values,     \
                                          const int64_t *at, int64_t next, const uint8_t *seen, int64_t T,           \
                                          int64_t H, int64_t K, int64_t D, const int64_t *strides, float scale,      \
                                          TYPE *context, float *weights) {                                           \
        float q[WIDEST], c[WIDEST], largest[WIDEST];                                                                 \
        int32_t odd[WIDEST];                                                                                         \
        for (int64_t i = 0; i < H * K; i++) q[i] = scale * LOAD(query[i]);                                           \
        for (int64_t i = 0; i < H * D; i++) c[i] = 0.0f;                                                             \
        for (int64_t h = 0; h < H; h++) largest[h] = -__builtin_inff(), odd[h] = 0;                                  \
        for (int64_t j = 0; j < T; j++) { /* all heads of a position lie together, or nearly */                      \
            const TYPE *key = keys[j] + at[j * next] * strides[0];                                                   \
            int64_t soon = j + AHEAD;                                                                                \
            if (soon < T) fetch(keys[soon] + at[soon * next] * strides[0], H * K * (int64_t)sizeof(TYPE));           \
            else if (soon - T < T)                                                                                   \
                fetch(values[soon - T] + at[(soon - T) * next] * strides[2], H * D * (int64_t)sizeof(TYPE));         \
            for (int64_t h = 0; h < H; h++) {                                                                        \
                float score = seen && !seen[j] ? -__builtin_inff() : dot_##KIND(q + h * K, key + h * strides[1], K); \
                weights[h * T + j] = score;                                                                          \
                largest[h] = score > largest[h] ? score : largest[h];                                                \
                odd[h] |= score != score;                                                                            \
            }                                                                                                        \
        }                                                                                                            \
        for (int64_t h = 0; h < H; h++) normalise(weights + h * T, T, largest[h], odd[h]);                           \
        for (int64_t j = 0; j < T; j++) {                                                                            \
            const TYPE *value = values[j] + at[j * next] * strides[2];                                               \
            int64_t soon = j + AHEAD;                                                                                \
            if (soon < T) fetch(values[soon] + at[soon * next] * strides[2], H * D * (int64_t)sizeof(TYPE));         \
            if (seen && !seen[j]) continue;                                                                          \
            for (int64_t h = 0; h < H; h++) add_##KIND(c + h * D, value + h * strides[3], weights[h * T + j], D);    \
        }                                                                                                            \
        for (int64_t i = 0; i < H * D; i++) context[i] = STORE(c[i]);                                                \
    }                                                                                                                \
    /* Scaled dot-product attention of R rows with one query (H, K) each, `query_row` apart, over T positions.       \
       Position j of row r is row n = at[r * row + j * next] of keys[j] and values[j], whose rows and heads are      \
       `strides` apart (key row, key head, value row, value head); seen (rows of the keys, T) says by n at position  \
       0 what may be attended to, or is NULL. Context (R, H, D); weights (R, H, T). H K, H D at most WIDEST. */      \
    KERNEL void regard_look_##KIND(const TYPE *query, int64_t query_row, const TYPE *const *keys,                    \
                                   const TYPE *const *values, const int64_t *at, int64_t row, int64_t next,          \
                                   const uint8_t *seen, int64_t R, int64_t T, int64_t H, int64_t K, int64_t D,       \
                                   const int64_t *strides, float scale, TYPE *context, float *weights,               \
                                   int32_t threads) {                                                                \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (R * T * H * K > (1 << 16))")             \
        for (int64_t r = 0; r < R; r++)                                                                              \
            look_##KIND(query + r * query_row, keys, values, at + r * row, next, seen ? seen + at[r * row] * T : seen,\
                        T, H, K, D, strides, scale, context + r * H * D, weights + r * H * T);                       \
    }

#define SAME(x) (x)
#define WIDE_F32(x) (*(const unaligned *)(x))
DEFINE(f32, float, SAME, SAME, WIDE_F32)
DEFINE(bf16, bf16, widen, narrow, widen_lanes)
