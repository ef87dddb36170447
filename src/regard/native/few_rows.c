// Products of a few rows and a large matrix. Reading the matrix limits their speed, so it is read once, unpacked.

#include <math.h>

#include "lanes.h"

#define BLOCK 5 // rows multiplied at once
#if LANES == 16
#define OUTS 4 // outputs at once: BLOCK * OUTS sums and their operands fit into registers
#else
#define OUTS 2
#endif

// `ROWS` rows of x times `OUTS` rows of W; rows of y have stride `out`. `x Wᵀ + b` is rounded to the type of W, as
// PyTorch's product of that type is.
#define DEFINE_BLOCK(KIND, TYPE, LOAD, ROUND, ROWS)                                                                  \
    static void block_##KIND##_##ROWS(const TYPE *x, const TYPE *const *w, const TYPE *bias, const float *added,     \
                                      int64_t count, int64_t out, int64_t in, int32_t rectify, float *y) {           \
        lanes sums[(ROWS * OUTS + 3) / 4 * 4] = {{0.0f}};                                                            \
        int64_t i = 0;                                                                                               \
        for (; i + LANES <= in; i += LANES) {                                                                        \
            lanes weights[OUTS];                                                                                     \
            _Pragma("GCC unroll 8") for (int o = 0; o < OUTS; o++) weights[o] = lanes_##KIND(w[o] + i);              \
            _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++) {                                                 \
                lanes v = lanes_##KIND(x + r * in + i);                                                              \
                _Pragma("GCC unroll 8") for (int o = 0; o < OUTS; o++) sums[r * OUTS + o] += weights[o] * v;         \
            }                                                                                                        \
        }                                                                                                            \
        if (i < in)                                                                                                  \
            _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++)                                                   \
                _Pragma("GCC unroll 8") for (int o = 0; o < OUTS; o++)                                               \
                    sums[r * OUTS + o] += some_##KIND(w[o] + i, in - i) * some_##KIND(x + r * in + i, in - i);       \
        float totals[(ROWS * OUTS + 3) / 4 * 4] = {0.0f};                                                            \
        _Pragma("GCC unroll 8") for (int j = 0; j < ROWS * OUTS; j += 4)                                             \
            four_totals(sums[j], sums[j + 1], sums[j + 2], sums[j + 3], totals + j);                                 \
        float biases[OUTS] = {0.0f}, least = rectify ? 0.0f : -INFINITY;                                             \
        if (bias)                                                                                                    \
            for (int64_t o = 0; o < count; o++) biases[o] = LOAD(bias[o]);                                           \
        for (int r = 0; r < ROWS; r++) {                                                                             \
            float *t = totals + r * OUTS;                                                                            \
            for (int o = 0; o < OUTS; o++) {                                                                         \
                t[o] = ROUND(t[o] + biases[o]);                                                                      \
                t[o] = t[o] < least ? least : t[o];                                                                  \
            }                                                                                                        \
            if (count == OUTS) {                                                                                     \
                if (added)                                                                                           \
                    for (int o = 0; o < OUTS; o++) t[o] += added[r * out + o];                                       \
                memcpy(y + r * out, t, OUTS * sizeof *y);                                                            \
            } else                                                                                                   \
                for (int o = 0; o < OUTS && o < count; o++)                                                          \
                    y[r * out + o] = added ? added[r * out + o] + t[o] : t[o];                                       \
        }                                                                                                            \
    }

#define DEFINE(KIND, TYPE, LOAD, ROUND)                                                                              \
    DEFINE_BLOCK(KIND, TYPE, LOAD, ROUND, 1)                                                                         \
    DEFINE_BLOCK(KIND, TYPE, LOAD, ROUND, 2)                                                                         \
    DEFINE_BLOCK(KIND, TYPE, LOAD, ROUND, 3)                                                                         \
    DEFINE_BLOCK(KIND, TYPE, LOAD, ROUND, 4)                                                                         \
    DEFINE_BLOCK(KIND, TYPE, LOAD, ROUND, 5)                                                                         \
    static void few_rows_##KIND(const TYPE *x, int64_t R, const TYPE *weight, const TYPE *bias, const float *added,  \
                                int64_t from, int64_t to, int64_t out, int64_t in, int32_t rectify, float *y) {      \
        static void (*const blocks[BLOCK])(const TYPE *, const TYPE *const *, const TYPE *, const float *, int64_t,  \
                                           int64_t, int64_t, int32_t, float *) = {                                   \
            block_##KIND##_1, block_##KIND##_2, block_##KIND##_3, block_##KIND##_4, block_##KIND##_5};               \
        for (int64_t o = from; o < to; o += OUTS) {                                                                  \
            int64_t count = to - o < OUTS ? to - o : OUTS;                                                           \
            const TYPE *w[OUTS]; /* pad with the last output */                                                      \
            for (int64_t j = 0; j < OUTS; j++) w[j] = weight + (o + (j < count ? j : count - 1)) * in;               \
            for (int64_t r = 0; r < R; r += BLOCK)                                                                   \
                blocks[(R - r < BLOCK ? R - r : BLOCK) - 1](x + r * in, w, bias ? bias + o : NULL,                   \
                                                            added ? added + r * out + o : NULL, count, out, in,      \
                                                            rectify, y + r * out + o);                               \
        }                                                                                                            \
    }                                                                                                                \
    /* y = x Wᵀ + b, or max(0, x Wᵀ + b), plus `added`: x (R, in), W (out, in), b (out) or NULL, added (R, out) or   \
       NULL, y (R, out). */                                                                                          \
    KERNEL void regard_few_rows_##KIND(const TYPE *x, int64_t R, const TYPE *weight, const TYPE *bias,               \
                                       const float *added, int64_t out, int64_t in, int32_t rectify, float *y,       \
                                       int32_t threads) {                                                            \
        int64_t share = (out + threads - 1) / threads;                                                               \
        _Pragma("omp parallel for num_threads(threads) schedule(static) if (out * in > (1 << 15))")                  \
        for (int64_t t = 0; t < threads; t++) {                                                                      \
            int64_t from = t * share, to = from + share < out ? from + share : out;                                  \
            few_rows_##KIND(x, R, weight, bias, added, from, to, out, in, rectify, y);                               \
        }                                                                                                            \
    }

#define SAME(x) (x)
#define TO_BF16(x) widen(narrow(x))
DEFINE(f32, float, SAME, SAME)
DEFINE(bf16, bf16, widen, TO_BF16)
