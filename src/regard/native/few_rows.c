// A few rows times a large matrix: as fast as the matrix can be read, so it is read once, as it lies.

#include "kernels.h"

#define DEFINE(KIND, TYPE, LOAD, ROUND)                                                                              \
    /* Four outputs at a time: enough sums side by side to hide how long an addition takes. */                       \
    static void few_rows_##KIND(const TYPE *x, int64_t R, const TYPE *weight, const TYPE *bias, const float *added,  \
                                int64_t from, int64_t to, int64_t out, int64_t in, int32_t rectify, float *y) {      \
        for (int64_t o = from; o < to; o += 4) {                                                                     \
            const TYPE *w0 = weight + o * in; /* beyond the last output, the last one again */                       \
            const TYPE *w1 = o + 1 < to ? w0 + in : w0, *w2 = o + 2 < to ? w1 + in : w1, *w3 = o + 3 < to ? w2 + in : w2;\
            for (int64_t r = 0; r < R; r++) {                                                                        \
                const TYPE *v = x + r * in;                                                                          \
                float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;                                                    \
                _Pragma("omp simd reduction(+ : s0, s1, s2, s3)")                                                    \
                for (int64_t i = 0; i < in; i++) {                                                                   \
                    s0 += LOAD(w0[i]) * LOAD(v[i]);                                                                  \
                    s1 += LOAD(w1[i]) * LOAD(v[i]);                                                                  \
                    s2 += LOAD(w2[i]) * LOAD(v[i]);                                                                  \
                    s3 += LOAD(w3[i]) * LOAD(v[i]);                                                                  \
                }                                                                                                    \
                float sums[4] = {s0, s1, s2, s3};                                                                    \
                for (int64_t j = 0; j < 4 && o + j < to; j++) {                                                      \
                    float sum = ROUND(bias ? sums[j] + LOAD(bias[o + j]) : sums[j]);                                 \
                    sum = rectify && sum < 0.0f ? 0.0f : sum;                                                        \
                    y[r * out + o + j] = added ? added[r * out + o + j] + sum : sum;                                 \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }                                                                                                                \
    /* y = x Wᵀ + b, or max(0, that), and `added` to it: x (R, in), W (out, in), b (out) or NULL, added (R, out) or  \
       NULL, y (R, out). `x Wᵀ + b` is rounded to the type of W, as a product of that type would be. */              \
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
