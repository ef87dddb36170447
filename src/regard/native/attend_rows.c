// Attention with one query per row, over keys and values in a KV cache that is neither gathered nor copied.

#include "lanes.h"

#define WIDEST 4096  // largest H K and H D
#define TOGETHER 4   // positions whose scores are computed at once
#define CHUNK 256    // positions whose row addresses are computed at once

static inline void fetch(const void *from, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)from + i);
}

// Softmax of n scores; all zeros if all positions are masked, NaN if a score is NaN or infinite.
static inline void normalize(float *w, int64_t n) {
    float largest = -__builtin_inff();
    int32_t odd = 0;
    for (int64_t j = 0; j < n; j++) {
        largest = w[j] > largest ? w[j] : largest;
        odd |= w[j] != w[j];
    }
    if (odd || largest == -__builtin_inff() || largest == __builtin_inff()) {
        float all = !odd && largest < 0.0f ? 0.0f : __builtin_nanf("");
        for (int64_t j = 0; j < n; j++) w[j] = all;
        return;
    }
    float last[LANES], sum = 0.0f;
    lanes sums = {0};
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        lanes share = exponentials(lanes_f32(w + j) - largest);
        *(unaligned *)(w + j) = share;
        sums += share;
    }
    for (int64_t i = 0; i < LANES; i++) last[i] = j + i < n ? w[j + i] : -__builtin_inff();
    lanes rest = exponentials(lanes_f32(last) - largest);
    *(unaligned *)last = rest;
    sums += rest;
    for (int64_t i = 0; i < LANES; i++) sum += sums[i];
    float inverse = 1.0f / sum;
    for (int64_t i = 0; i < n; i++) w[i] = (i < j ? w[i] : last[i - j]) * inverse;
}

#define DEFINE(KIND, TYPE, LOAD, STORE)                                                                              \
    /* Dot products of one head of a query with the same head of four keys. */                                       \
    INLINE void dots_##KIND(const float *q, const TYPE *const *keys, int64_t offset, int64_t n, float *scores) {     \
        const TYPE *a = keys[0] + offset, *b = keys[1] + offset, *c = keys[2] + offset, *d = keys[3] + offset;       \
        lanes sa = {0}, sb = {0}, sc = {0}, sd = {0};                                                                \
        int64_t i = 0;                                                                                               \
        for (; i + LANES <= n; i += LANES) {                                                                         \
            lanes by = lanes_f32(q + i);                                                                             \
            sa += by * lanes_##KIND(a + i);                                                                          \
            sb += by * lanes_##KIND(b + i);                                                                          \
            sc += by * lanes_##KIND(c + i);                                                                          \
            sd += by * lanes_##KIND(d + i);                                                                          \
        }                                                                                                            \
        four_totals(sa, sb, sc, sd, scores);                                                                         \
        for (; i < n; i++) {                                                                                         \
            scores[0] += q[i] * LOAD(a[i]);                                                                          \
            scores[1] += q[i] * LOAD(b[i]);                                                                          \
            scores[2] += q[i] * LOAD(c[i]);                                                                          \
            scores[3] += q[i] * LOAD(d[i]);                                                                          \
        }                                                                                                            \
    }                                                                                                                \
    /* Adds the weighted sum of the values of T positions to c, `vectors` vectors of each value. */                   \
    INLINE void add_##KIND(const int vectors, const TYPE *const *values, int64_t offset, const float *shares,        \
                           const uint8_t *seen, int64_t T, float *c) {                                               \
        lanes sums[8];                                                                                               \
        _Pragma("GCC unroll 8")                                                                                      \
        for (int v = 0; v < vectors; v++) sums[v] = lanes_f32(c + v * LANES);                                        \
        for (int64_t j = 0; j < T; j++) {                                                                            \
            if (seen && !seen[j]) continue; /* masked values may be NaN */                                           \
            _Pragma("GCC unroll 8")                                                                                  \
            for (int v = 0; v < vectors; v++) sums[v] += shares[j] * lanes_##KIND(values[j] + offset + v * LANES);   \
        }                                                                                                            \
        _Pragma("GCC unroll 8")                                                                                      \
        for (int v = 0; v < vectors; v++) *(unaligned *)(c + v * LANES) = sums[v];                                   \
    }                                                                                                                \
    static void scores_##KIND(const float *q, const TYPE *const *keys, const int64_t *at, int64_t next,              \
                              const uint8_t *seen, int64_t T, int64_t H, int64_t K, const int64_t *strides,          \
                              float *weights) {                                                                      \
        const TYPE *places[CHUNK + TOGETHER];                                                                        \
        for (int64_t first = 0; first < T; first += CHUNK) {                                                         \
            int64_t here = T - first < CHUNK ? T - first : CHUNK;                                                    \
            for (int64_t j = 0; j < here + TOGETHER; j++) { /* pad with the last position */                         \
                int64_t position = first + (j < here ? j : here - 1);                                                \
                places[j] = keys[position] + at[position * next] * strides[0];                                       \
            }                                                                                                        \
            for (int64_t j = 0; j < here; j += TOGETHER) { /* prefetch: all heads of a position are close together */\
                for (int64_t i = j + TOGETHER; i < j + 2 * TOGETHER && i < here; i++)                                \
                    fetch(places[i], H * K * (int64_t)sizeof(TYPE));                                                 \
                for (int64_t h = 0; h < H; h++) {                                                                    \
                    float scores[TOGETHER], *to = weights + h * T + first + j;                                       \
                    dots_##KIND(q + h * K, places + j, h * strides[1], K, scores);                                   \
                    for (int64_t i = 0; i < TOGETHER && j + i < here; i++)                                           \
                        to[i] = seen && !seen[first + j + i] ? -__builtin_inff() : scores[i];                        \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
    static void context_##KIND(const float *weights, const TYPE *const *values, const int64_t *at, int64_t next,     \
                               const uint8_t *seen, int64_t T, int64_t H, int64_t D, const int64_t *strides,         \
                               float *c) {                                                                           \
        const TYPE *places[CHUNK];                                                                                   \
        for (int64_t first = 0; first < T; first += CHUNK) {                                                         \
            int64_t here = T - first < CHUNK ? T - first : CHUNK;                                                    \
            const uint8_t *some = seen ? seen + first : seen;                                                        \
            for (int64_t j = 0; j < here; j++) {                                                                     \
                places[j] = values[first + j] + at[(first + j) * next] * strides[2];                                 \
                fetch(places[j], H * D * (int64_t)sizeof(TYPE));                                                     \
            }                                                                                                        \
            for (int64_t h = 0; h < H; h++) {                                                                        \
                const float *shares = weights + h * T + first;                                                       \
                float *to = c + h * D;                                                                               \
                int64_t i = 0, head = h * strides[3];                                                                \
                for (; i + 8 * LANES <= D; i += 8 * LANES) add_##KIND(8, places, head + i, shares, some, here, to + i);\
                for (; i + 4 * LANES <= D; i += 4 * LANES) add_##KIND(4, places, head + i, shares, some, here, to + i);\
                for (; i + LANES <= D; i += LANES) add_##KIND(1, places, head + i, shares, some, here, to + i);      \
                for (; i < D; i++)                                                                                   \
                    for (int64_t j = 0; j < here; j++)                                                               \
                        if (!some || some[j]) to[i] += shares[j] * LOAD(places[j][head + i]);                        \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
    static void look_##KIND(const TYPE *query, const TYPE *const *keys, const TYPE *const *values,                   \
                            const int64_t *at, int64_t next, const uint8_t *seen, int64_t T, int64_t H, int64_t K,   \
                            int64_t D, const int64_t *strides, float scale, TYPE *context, float *weights) {         \
        float q[WIDEST], c[WIDEST];                                                                                  \
        for (int64_t i = 0; i < H * K; i++) q[i] = scale * LOAD(query[i]);                                           \
        for (int64_t i = 0; i < H * D; i++) c[i] = 0.0f;                                                             \
        scores_##KIND(q, keys, at, next, seen, T, H, K, strides, weights);                                           \
        for (int64_t h = 0; h < H; h++) normalize(weights + h * T, T);                                               \
        context_##KIND(weights, values, at, next, seen, T, H, D, strides, c);                                        \
        for (int64_t i = 0; i < H * D; i++) context[i] = STORE(c[i]);                                                \
    }                                                                                                                \
    /* Scaled dot-product attention of R rows with one query (H, K) each, with stride `query_row`, over T positions. \
       Position j of row r is row n = at[r * row + j * next] of keys[j] and values[j]. `strides` are the distances of\
       key rows, key heads, value rows and value heads. seen (rows of the keys, T) is the mask, indexed by n at      \
       position 0, or NULL. Context (R, H, D); weights (R, H, T). H K and H D are at most WIDEST. */                 \
    KERNEL void regard_attend_rows_##KIND(const TYPE *query, int64_t query_row, const TYPE *const *keys,                    \
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
DEFINE(f32, float, SAME, SAME)
DEFINE(bf16, bf16, widen, narrow)
